// SPDX-License-Identifier: MIT
#include "owned_files.hpp"

#include <fstream>
#include <sstream>

#include "meha/io/durable.hpp"

namespace meha {
namespace {

constexpr const char* list_name = "/clean.files";

}  // namespace

OwnedFiles::OwnedFiles(std::string directory) : directory_(std::move(directory)) {
  std::ifstream list(directory_ + list_name);
  FileStamp stamp;
  for (std::string name; list >> stamp.n_bytes >> stamp.changed_ns >> name;) {
    files_[name] = stamp;
  }
}

void OwnedFiles::expect(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const std::string path = directory_ + "/" + name;
    if (!file_exists(path, ExitCode::Checkpoint)) {
      continue;
    }
    const auto ours = files_.find(name);
    if (ours == files_.end() || (ours->second != FileStamp() && ours->second != stamp_of(path))) {
      throw Error(ExitCode::Checkpoint, path +
                                            (ours == files_.end() ? ": was not written by meha clean"
                                                                  : ": was changed since meha clean wrote it") +
                                            ", which would replace it: move it away, or choose another --out");
    }
  }
}

void OwnedFiles::write(const std::string& name, const std::function<void(std::ostream& out)>& fill) {
  expect({name});
  files_[name] = FileStamp();
  save();
  DurableFile file(directory_ + "/" + name);
  fill(file.stream());
  file.finish();
  files_[name] = stamp_of(directory_ + "/" + name);
  save();
}

void OwnedFiles::note(const std::string& name, const FileStamp& stamp) {
  files_[name] = stamp;
  save();
}

FileStamp OwnedFiles::stamp_of_noted(const std::string& name) const {
  const auto at = files_.find(name);
  return at == files_.end() ? FileStamp() : at->second;
}

void OwnedFiles::save() const {
  std::ostringstream text;
  for (const auto& [name, stamp] : files_) {
    text << stamp.n_bytes << ' ' << stamp.changed_ns << ' ' << name << '\n';
  }
  write_durably(directory_ + list_name, text.str());
}

}  // namespace meha
