// SPDX-License-Identifier: MIT
#include "page.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

#include "meha/core/hash.hpp"
#include "meha/core/host.hpp"
#include "meha/core/version.hpp"
#include "meha/data/cell.hpp"
#include "meha/io/durable.hpp"
#include "assets.hpp"
#include "json.hpp"

namespace meha {
namespace {

constexpr const char* seal_begin = "<!-- meha report, XXH3 of all above: ";
constexpr const char* seal_end = " -->\n";

std::string hash_in_words(std::string_view text) {
  Hasher hasher;
  hasher.add(std::as_bytes(std::span(text)));
  return hasher.hex();
}

/// A text in HTML, also between quotes of an attribute; control characters as \xNN, what is not UTF-8 as U+FFFD.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : printable(valid_utf8(text))) {
    result += c == '&'    ? "&amp;"
              : c == '<'  ? "&lt;"
              : c == '>'  ? "&gt;"
              : c == '"'  ? "&quot;"
              : c == '\'' ? "&#39;"
                          : std::string(1, c);
  }
  return result;
}

std::string title_of(const std::vector<RunFacts>& runs) {
  std::string title = runs.front().options.run.name;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    title += (i + 1 == runs.size() ? " and " : ", ") + runs[i].options.run.name;
  }
  return title;
}

bool is_warning(const std::string& text) {
  return text.starts_with("warning:");
}

/// A text of several sentences, each "warning:" at the begin of a line in a box of its own.
std::string paragraphs(const std::string& text) {
  std::string html;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t next = text.find("\nwarning:", begin);
    const std::size_t end = next == std::string::npos ? text.size() : next + 1;
    const std::string part = text.substr(begin, end - begin);
    html += "<p class=\"" + std::string(is_warning(part) ? "warning" : "said") + "\">" + escaped(part) + "</p>\n";
    begin = end;
  }
  return html;
}

std::string figures_html(const RunFacts& facts) {
  std::string html = "<dl class=\"figures\">\n";
  for (const Figure& figure : figures_of(facts)) {
    html += "<div><dt>" + escaped(figure.label) + "</dt><dd><b>" + escaped(figure.value) + "</b> <span>" +
            escaped(figure.more) + "</span></dd></div>\n";
  }
  return html + "</dl>\n";
}

/// @param first  how many of its sentences stand elsewhere
std::string said_html(const RunFacts& facts, std::size_t first = 0) {
  std::string html = "<div class=\"text\">\n";
  const std::vector<std::string> sentences = sentences_of(facts);
  for (std::size_t i = first; i < sentences.size(); ++i) {
    html += paragraphs(sentences[i]);
  }
  return sentences.size() > first ? html + "</div>\n" : "";
}

/// What is not there. @param whose  begins each
std::string notes_html(const RunFacts& facts, const std::string& whose = {}) {
  std::string html;
  for (const std::string& note : facts.notes) {
    html += "<p class=\"warning\">" + escaped(whose + note) + "</p>\n";
  }
  return html;
}

/// The answer of one run: its first sentence, numbers, the other sentences.
std::string answer_html(const RunFacts& facts) {
  return "<section id=\"answer\" aria-label=\"The answer\">\n<div class=\"verdict\">" +
         paragraphs(sentences_of(facts).front()) + "</div>\n" + figures_html(facts) + notes_html(facts) +
         said_html(facts, 1) + "</section>\n";
}

/// The answers of several runs: a column for each.
std::string answers_html(const std::vector<RunFacts>& runs) {
  std::vector<std::string> labels;
  for (const RunFacts& facts : runs) {
    for (const Figure& figure : figures_of(facts)) {
      if (std::ranges::find(labels, figure.label) == labels.end()) {
        labels.push_back(figure.label);
      }
    }
  }
  std::string html =
      "<section id=\"answer\">\n<h2>Key figures</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"Key figures\"><table class=\"side\">\n<thead><tr><td></td>";
  for (const RunFacts& facts : runs) {
    html +=
        "<th scope=\"col\">" + escaped(facts.options.run.name) + "<small>" + escaped(facts.directory) + "</small></th>";
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::string& label : labels) {
    html += "<tr><th scope=\"row\">" + escaped(label) + "</th>";
    for (const RunFacts& facts : runs) {
      const auto figures = figures_of(facts);
      const auto at = std::ranges::find(figures, label, &Figure::label);
      html += at == figures.end()
                  ? "<td>–</td>"
                  : "<td><b>" + escaped(at->value) + "</b> <small>" + escaped(at->more) + "</small></td>";
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  for (const RunFacts& facts : runs) {
    html += notes_html(facts, facts.directory + ": ");
  }
  for (const RunFacts& facts : runs) {
    html += "<details><summary>What " + escaped(facts.directory) + " says of itself</summary>\n" + said_html(facts) +
            "</details>\n";
  }
  return html + "</section>\n";
}

std::string head_html(const std::string& title, const std::string& nonce) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'nonce-" +
         nonce + "'; style-src 'nonce-" + nonce +
         "'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"meha " +
         std::string(version()) + "\">\n<link rel=\"icon\" href=\"data:,\">\n<title>" + escaped(title) +
         "</title>\n<style nonce=\"" + nonce + "\">\n" + std::string(page_style()) + "</style>\n</head>\n";
}

}  // namespace

std::string page_of(const std::vector<RunFacts>& runs) {
  const std::string title = title_of(runs);
  const std::string data = json_of(runs);
  const std::string nonce = hash_in_words(data);  // which data that stand in the page cannot know
  const auto script = [&](std::string_view text) {
    return "<script nonce=\"" + nonce + "\">\n" + std::string(text) + "</script>\n";
  };
  std::string page = head_html(title + " · meha", nonce);
  page += "<body>\n<header><h1>" + escaped(title) + "</h1><p>" + (runs.size() == 1 ? "Report" : "Comparison") +
          " by meha</p></header>\n<main>\n";
  page += runs.size() == 1 ? answer_html(runs.front()) : answers_html(runs);
  page +=
      "<noscript><p class=\"warning\">Tables and charts below need a browser that runs scripts.</p></noscript>\n"
      "</main>\n<script type=\"application/json\" id=\"data\">" +
      data + "</script>\n" + script(chart_script()) + script(page_script()) + "</body>\n</html>\n";
  return page + seal_begin + hash_in_words(page) + seal_end;
}

void expect_own_report(const std::string& path) {
  const FileKind kind = kind_of_file(path, ExitCode::Checkpoint);
  if (kind == FileKind::None) {
    return;
  }
  std::string text;
  if (kind == FileKind::Regular) {
    std::ifstream file(path, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  const std::size_t at = text.rfind(seal_begin);
  if (at == std::string::npos) {
    throw Error(ExitCode::Checkpoint,
                path + ": is no report of this program, which would replace it: move it away, or choose another --out");
  }
  const std::string_view above = std::string_view(text).substr(0, at);
  if (text.substr(at) != seal_begin + hash_in_words(above) + seal_end) {
    throw Error(ExitCode::Checkpoint, path +
                                          ": was changed since meha report wrote it, which would replace it: move it "
                                          "away, or choose another --out");
  }
}

void write_page(const std::string& path, const std::string& page) {
  expect_own_report(path);
  write_durably(path, page);
}

}  // namespace meha
