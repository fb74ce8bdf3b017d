// SPDX-License-Identifier: MIT
// The routes that send and take files, events and numbers.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "meha/core/option.hpp"
#include "api.hpp"
#include "job_json.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds pause(15);  // of a stream

std::string type_of(const std::string& name) {
  return name.ends_with(".html")    ? "text/html; charset=utf-8"
         : name.ends_with(".jsonl") ? "application/x-ndjson"
         : name.ends_with(".csv")   ? "text/csv; charset=utf-8"
         : name.ends_with(".h5")    ? "application/x-hdf5"
                                    : "text/plain; charset=utf-8";
}

/// A file in the making, gone unless it gets its name.
class PartFile {
 public:
  explicit PartFile(const std::string& folder) : path_(folder + "/.part-XXXXXX") {
    file_ = mkostemp(path_.data(), O_CLOEXEC);
    check(file_ >= 0);
  }
  ~PartFile() {
    close(file_);
    unlink(path_.c_str());
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  void write(std::string_view part) const {
    while (!part.empty()) {
      const ssize_t n = ::write(file_, part.data(), part.size());
      check(n > 0);
      part.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// @return whether no other file had the name
  [[nodiscard]] bool finish(const std::string& path) const {
    check(fsync(file_) == 0);
    const bool is_free = link(path_.c_str(), path.c_str()) == 0;
    check(is_free || errno == EEXIST);
    return is_free;
  }

 private:
  static void check(bool is_well) {
    if (!is_well) {
      throw Error(ExitCode::Checkpoint, std::string("the upload cannot be written: ") + std::strerror(errno));
    }
  }
  std::string path_;
  int file_ = -1;
};

}  // namespace

HttpResponse Api::metrics(const HttpRequest& request, const JobRecord& job) const {
  return {.body =
              json_of_metrics(spool_, job.id, query_number(request, "since", {.low = -1, .high = largest_number}, -1))};
}

HttpResponse Api::file(const JobRecord& job, const std::string& name) const {
  if (std::ranges::find(names_of_files(), name) == names_of_files().end()) {
    std::string known;
    for (const std::string& other : names_of_files()) {
      known += (known.empty() ? "" : ", ") + other;
    }
    throw Refusal(404, "file " + toml(name.substr(0, 100)) + ": must be one of " + known);
  }
  const std::string path = path_of_file(spool_, job.id, name);
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat info {};
  if (descriptor < 0 || fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    if (descriptor >= 0) {
      close(descriptor);
    }
    throw Refusal(404, "file " + name + ": job " + std::to_string(job.id) + " has none yet");
  }
  HttpResponse response{
      .type = type_of(name), .file = descriptor, .file_bytes = static_cast<std::size_t>(info.st_size)};
  const bool is_report = name == "report.html";
  response.headers = {{"Content-Security-Policy", is_report ? "sandbox allow-scripts" : "sandbox; default-src 'none'"},
                      {"Content-Disposition", (is_report ? "inline; filename=\"job-" : "attachment; filename=\"job-") +
                                                  std::to_string(job.id) + "-" + name + "\""}};
  return response;
}

HttpResponse Api::upload(const HttpRequest& request, const std::string& name) const {
  expect_upload_name(name);
  const auto n_uploads = std::distance(fs::directory_iterator(spool_.uploads()), fs::directory_iterator());
  if (n_uploads >= limits_.n_uploads) {
    throw Refusal(429, "there are " + std::to_string(n_uploads) + " uploads, as many as the service keeps");
  }
  const PartFile part(spool_.uploads());
  std::size_t n_bytes = 0;
  const bool is_whole = request.read_body([&](std::string_view bytes) {
    n_bytes += bytes.size();
    if (n_bytes <= limits_.upload) {
      part.write(bytes);
    }
    return n_bytes <= limits_.upload;
  });
  if (n_bytes > limits_.upload) {
    throw Refusal(413, "file " + name + ": must have at most " + std::to_string(limits_.upload) + " bytes");
  }
  if (!is_whole) {
    throw Refusal(400, "file " + name + ": has not arrived as a whole");
  }
  if (n_bytes == 0) {
    throw Refusal(400, "file " + name + ": is empty");
  }
  if (!part.finish(spool_.uploads() + "/" + name)) {
    throw Refusal(409, "file " + name + ": is there already, and jobs may read it: choose another name");
  }
  return {.status = 201, .body = R"({"name": ")" + name + R"(", "bytes": )" + std::to_string(n_bytes) + "}\n"};
}

HttpResponse Api::list_uploads() const {
  std::map<std::string, std::uintmax_t> bytes;
  for (const auto& entry : fs::directory_iterator(spool_.uploads())) {
    std::error_code error;
    const auto size = entry.is_regular_file(error) && !entry.is_symlink(error) ? entry.file_size(error) : 0;
    if (size > 0 && !error && is_upload_name(entry.path().filename().string())) {
      bytes[entry.path().filename().string()] = size;
    }
  }
  std::string text;
  for (const auto& [name, size] : bytes) {
    text += (text.empty() ? "" : ", ") + (R"({"name": ")" + name) + R"(", "bytes": )" + std::to_string(size) + "}";
  }
  return {.body = R"({"files": [)" + text + "]}\n"};
}

HttpResponse Api::remove_upload(const std::string& name) {
  expect_upload_name(name);
  if (!engine_.remove_upload(name)) {
    throw Refusal(404, "file " + name + ": is not among the uploads");
  }
  return {.body = "{}\n"};
}

/// A stream of "job" and "deleted" events; a comment every 15 s, so that both ends see whether the other is there.
HttpResponse Api::events() {
  if (++n_streams_ > limits_.n_streams) {
    --n_streams_;
    throw Refusal(429,
                  "there are " + std::to_string(limits_.n_streams) + " streams of events, the most: ask again later");
  }
  const std::shared_ptr<Index> since(new Index(changes_.number()), [this](const Index* number) {
    --n_streams_;
    delete number;
  });
  HttpResponse response{.type = "text/event-stream"};
  response.stream = [this, since, is_first = true](const TakePart& send) mutable {
    if (std::exchange(is_first, false)) {
      return send(": these are the changes from now on\n\n");
    }
    std::string text;
    for (const Index id : changes_.wait(*since, pause)) {
      const auto job = store_.get(id);
      const bool is_there = job && job->state != JobState::Deleting;
      text += is_there ? "event: job\ndata: " + json_line_of_job(*job, spool_) + "\n\n"
                       : "event: deleted\ndata: {\"id\": " + std::to_string(id) + "}\n\n";
    }
    return send(text.empty() ? ": still here\n\n" : text) && !changes_.is_closed();
  };
  return response;
}

/// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
HttpResponse Api::prometheus() {
  auto counts = store_.counts();
  std::string text = "# HELP meha_jobs Jobs in a state.\n# TYPE meha_jobs gauge\n";
  for (const JobState state : {JobState::Queued, JobState::Running, JobState::Stopping, JobState::Stopped,
                               JobState::Finished, JobState::Failed}) {
    text += "meha_jobs{state=\"" + std::string(name(state)) + "\"} " + std::to_string(counts[state]) + "\n";
  }
  text += "# HELP meha_slots Ranks that may run at a time.\n# TYPE meha_slots gauge\nmeha_slots " +
          std::to_string(engine_.slots()) + "\n";
  text += "# HELP meha_event_streams Streams of events.\n# TYPE meha_event_streams gauge\nmeha_event_streams " +
          std::to_string(n_streams_.load()) + "\n";
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = text};
}

}  // namespace meha
