// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "meha/core/error.hpp"

namespace meha {
namespace {

constexpr std::size_t shortest_token = 16;

/// The time that this takes tells nothing of where two texts differ.
bool are_equal(const std::string& a, const std::string& b) {
  volatile unsigned difference = a.size() == b.size() ? 0U : 1U;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const char other = a.empty() ? '\0' : a[i % a.size()];
    difference = difference | static_cast<unsigned char>(other ^ b[i]);
  }
  return difference == 0;
}

/// A Host header without its port.
std::string host_in(const std::string& header) {
  const std::size_t bracket = header.rfind(']');
  const std::size_t colon = header.rfind(':');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  return has_port ? header.substr(0, colon) : header;
}

bool is_loopback_name(const std::string& host) {
  return host == "localhost" || host == "[::1]" || host == "::1" ||
         (host.starts_with("127.") &&
          std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); }));
}

}  // namespace

bool ListenAddress::is_loopback() const {
  return is_loopback_name(host);
}

ListenAddress listen_address_of(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  constexpr int most = 65535;
  if (!is_number || colon == 0 || std::atoi(port.c_str()) > most) {
    throw Error(ExitCode::Config, "--listen " + text + ": must look like 127.0.0.1:8765");
  }
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {.host = host, .port = std::atoi(port.c_str())};
}

std::string read_token(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    throw Error(ExitCode::Config, "--token-file " + file + ": no such file");
  }
  if ((info.st_mode & 0077) != 0) {
    throw Error(ExitCode::Config, "--token-file " + file + ": others may read it: chmod 600 " + file);
  }
  std::string token;
  std::getline(std::ifstream(file), token);
  if (token.size() < shortest_token || token.find_first_of(" \t\r") != std::string::npos) {
    throw Error(ExitCode::Config,
                "--token-file " + file +
                    ": its first line must be at least 16 characters without blanks: openssl rand -hex 32");
  }
  return token;
}

std::optional<HttpResponse> Guard::refusal(const HttpRequest& request, bool is_open) const {
  const std::string host = request.header("Host");
  if (token_.empty() && !is_loopback_name(host_in(host))) {  // a name that leads here, of another site
    return error_response(403, "Host: must be localhost or 127.0.0.1, as the service has no token");
  }
  const std::string origin = request.header("Origin");
  const std::string site = request.header("Sec-Fetch-Site");
  const bool is_own = origin.empty() || origin == "http://" + host || origin == "https://" + host;
  if (!is_own || (!is_open && (site == "cross-site" || site == "same-site"))) {
    return error_response(403, "Origin: must be the service itself: pages of other sites may not ask it for anything");
  }
  constexpr std::string_view bearer = "Bearer ";
  const std::string given = request.header("Authorization");
  if (!is_open && !token_.empty() && (!given.starts_with(bearer) || !are_equal(given.substr(bearer.size()), token_))) {
    HttpResponse response = error_response(401, "Authorization: must be \"Bearer \" and the token of the service");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  return std::nullopt;
}

HttpResponse error_response(int status, const std::string& message) {
  using Json = nlohmann::json;
  return {.status = status,
          .body = Json{{"error", message}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

}  // namespace meha
