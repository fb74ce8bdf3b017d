// SPDX-License-Identifier: MIT
// meha quickstart: cleans labels whose truth is known, and shows what there is to see of a run. The data are those of the
// Debian package dataset-fashion-mnist, or else rows made here.
#include <filesystem>
#include <iostream>

#include "clean_files.hpp"
#include "local_ranks.hpp"
#include "meha/app/data_bands.hpp"
#include "meha/app/job.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/option.hpp"
#include "meha/core/shell_word.hpp"

namespace meha {
namespace {

namespace fs = std::filesystem;

constexpr const char* images = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";

std::string config_of(const std::string& name) {
  std::string path = shipped_file("configs/" + name);
  if (path.empty()) {
    throw Error(ExitCode::Config,
                "configs/" + name + ": is missing beside the program, in ../configs or ../share/meha/configs");
  }
  return path;
}

/// Makes the rows that clean_synthetic.toml is about, unless they are there. Errors: Error(Checkpoint) where the folder
/// cannot be written, or a file of that name is a person's.
void make_rows(const std::string& path) {
  Arguments made;
  made.data.out = path;
  made.data.n_rows = 6500;
  if (fs::exists(path) && !fs::exists(path + ".lock")) {
    if (!sound_file(path).format().recipe.starts_with("synthetic 6500 rows,")) {
      throw Error(ExitCode::Checkpoint, path + ": is not of meha quickstart, which makes one: choose another --out");
    }
    return;
  }
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) {
    throw Error(ExitCode::Checkpoint, path + ": its folder cannot be created: " + error.message());
  }
  data_synthetic_verb(made);
}

/// Plans a run on rows.h5 in its directory, which is refused before anything is written to it.
JobPlan plan_of_made_rows(const std::string& directory) {
  const fs::path rows = fs::absolute(directory).lexically_normal() / "rows.h5";
  const std::string config = config_of("clean_synthetic.toml");
  JobPlan plan = plan_of_run(config, {"problem.data.train_features=" + toml(rows.string())}, directory);
  std::cout << "running " << config << " into " << directory << " (some 3 MB)\n";
  if (!fs::exists(images)) {
    std::cout << "images instead: sudo apt install dataset-fashion-mnist, then meha quickstart with another --out\n";
  }
  make_rows(rows.string());
  return plan;
}

JobPlan plan_of_images(const std::string& directory) {
  const std::string config = config_of("clean_fashion_mnist.toml");
  JobPlan plan = plan_of_run(config, {}, directory);
  std::cout << "running " << config << " into " << directory << " (some 3 MB)\n";
  return plan;
}

void print_next_commands(const std::string& directory) {
  const std::string out = shell_word(directory);
  const std::string meha = own_command();
  std::cout << "next:\n  xdg-open " << shell_word(directory + "/report.html") << "\n  " << meha << " inspect " << out
            << "\n  " << meha << " resume " << out << " --set run.iterations=100\n"
            << "  " << meha << " clean YOURS.csv --trusted CHECKED.csv\n";
}

}  // namespace

ExitCode quickstart_verb(const Arguments& arguments, const Communicator& ranks) {
  const std::string directory = arguments.out.empty() ? "runs/quickstart" : arguments.out;
  const ExitCode code = run_job(ranks, [&] {
    const bool has_images = fs::exists(images) && !arguments.synthetic;
    return has_images ? plan_of_images(directory) : plan_of_made_rows(directory);
  });
  if (code != ExitCode::Finished) {
    return code;
  }
  if (ranks.is_root()) {
    std::cout << "\nthe rows whose labels look wrong, and all as a page:" << std::endl;
  }
  Arguments shown;
  shown.target = directory;
  shown.what = "samples";
  shown.report.directories = {directory};
  export_verb(shown, ranks);
  report_verb(shown, ranks);
  if (ranks.is_root()) {
    print_next_commands(directory);
  }
  return ExitCode::Finished;
}

}  // namespace meha
