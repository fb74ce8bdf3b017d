// SPDX-License-Identifier: MIT
// Options of meha data VERB.
#include "command_line.hpp"
#include "meha/data/columns.hpp"
#include "meha/data/formats.hpp"
#include "meha/data/words.hpp"

namespace meha {
namespace {

CLI::IsMember one_of(std::initializer_list<std::string> words) {
  return CLI::IsMember(std::vector<std::string>(words));
}

/// Adds `meha data VERB`: none of these starts MPI.
class DataVerbs {
 public:
  explicit DataVerbs(CommandLine& line)
      : line_(line),
        arguments_(line.arguments.data),
        data_(*line.parser.add_subcommand("data", "data sets: import, look, verify, corrupt, multiply")) {
    data_.require_subcommand(1);
    add_import();
    add_words();
    add_looks();
    add_corrupt();
    add_augment();
    add_synthetic();
  }

 private:
  CLI::App* add(const char* name, const char* summary, Verb verb) { return line_.add(name, summary, verb, &data_); }
  void add_file(CLI::App* command) { command->add_option("file", arguments_.in, "FILE.h5")->required(); }
  void add_files(CLI::App* command) {
    command->add_option("in", arguments_.in, "FILE.h5")->required();
    command->add_option("out", arguments_.out, "FILE.h5")->required();
  }
  void add_maker(CLI::App* command) {
    command->add_option("--block-rows", arguments_.block_rows, "rows of a chunk; best as run.block_rows")
        ->check(large_number())
        ->capture_default_str();
  }
  void add_seed(CLI::App* command) {
    command->add_option("--seed", arguments_.seed, "of the random numbers")->capture_default_str();
  }
  void add_memory(CLI::App* command) {
    command->add_option("--memory", arguments_.memory, "MiB for the shuffle")
        ->check(large_number())
        ->capture_default_str();
  }
  void add_rows(CLI::App* command) {
    command->add_option("--rows", arguments_.n_rows, "rows to make")->required()->check(CLI::PositiveNumber);
    command->add_option("--threads", arguments_.n_threads, "0: one for each processor")->check(CLI::Range(0, 256));
  }

  void add_import() {
    CLI::App* import = add(
        "import", "from files of any size and of any format (meha list formats); interrupted, the same command goes on",
        data_import_verb);
    import->add_option("features", arguments_.in, "file, plain or gzipped")->required();
    std::vector<std::string> formats;
    for (const FormatInfo& info : format_table()) {
      formats.push_back(info.name);
    }
    import->add_option("--format", arguments_.format, "of the file")->required()->check(CLI::IsMember(formats));
    import->add_option("--out", arguments_.out, "FILE.h5")->required();
    import->add_option("--labels", arguments_.labels, "file of the labels (idx and npy need it)");
    import->add_option("--label-column", arguments_.label_column, "csv: its name or number from 0; default: the last");
    import->add_option("--class-names", arguments_.class_names,
                       "names of the classes 0, 1, …, between commas; a name with a comma in quotes");
    import->add_option("--header", arguments_.header, "csv: whether the first line names the columns; auto: found out")
        ->check(one_of({"auto", "true", "false"}));
    import
        ->add_option("--column", arguments_.columns,
                     std::string("csv: NAME=KIND, of ") + column_kinds + "; default: found out")
        ->allow_extra_args(false);
    import->add_option("--shuffle", arguments_.shuffle, "seed: rows in random order, with their old numbers as ids");
    import->add_option("--dtype", arguments_.dtype, "of the features; default: uint8 where they are, else float32")
        ->check(one_of({"uint8", "float16", "float32"}));
    import->add_option("--sparse", arguments_.sparse, "libsvm: auto is when less than a quarter of the values is not 0")
        ->check(one_of({"auto", "never", "always"}));
    add_memory(import);
    add_maker(import);
  }

  void add_words() {
    CLI::App* words =
        add("words", "word lists to sparse rows of hashed character n-grams, shuffled: which list is a word from?",
            data_words_verb);
    words->add_option("lists", arguments_.lists, "NAME=FILE, or FILE: a word a line, a list a class")->required();
    words->add_option("--out", arguments_.out, "FILE.h5")->required();
    words->add_option("--columns", arguments_.n_columns, "that n-grams are hashed to: a power of two up to 2^20")
        ->capture_default_str();
    words->add_option("--longest", arguments_.longest, "n-gram: characters")
        ->check(CLI::Range(Index{1}, longest_gram))
        ->capture_default_str();
    add_seed(words);
    add_memory(words);
    add_maker(words);
  }

  void add_looks() {
    add_file(add("info", "shape, type, classes, fingerprint", data_info_verb));
    CLI::App* probe = add("probe", "whether HDF5's library crashes on a file", data_probe_verb);
    add_file(probe->group(""));  // not listed
    add_file(add("verify", "reads everything: checksums, fingerprint, finite values, labels", data_verify_verb));
  }

  void add_corrupt() {
    CLI::App* corrupt =
        add("corrupt", "a copy with wrong labels, as problem.noise makes them; keeps the truth", data_corrupt_verb);
    add_files(corrupt);
    corrupt
        ->add_option("--kind", arguments_.kind,
                     "another class; any class; the next class; by a random matrix; by a weak model")
        ->required()
        ->check(one_of({"uniform", "uniform_inclusive", "pair", "classwise", "instance"}));
    corrupt->add_option("--rate", arguments_.rate, "share of the labels redrawn")
        ->required()
        ->check(CLI::Range(0.0, 1.0));
    add_seed(corrupt);
  }

  void add_augment() {
    CLI::App* augment = add("augment", "many deformed copies of uint8 images, shuffled", data_augment_verb);
    add_files(augment);
    add_rows(augment);
    add_seed(augment);
    augment->add_option("--strength", arguments_.strength, "of the deformation: 1 turns by up to 5°, 3 by up to 15°")
        ->check(CLI::Range(0.0, 4.0))
        ->capture_default_str();
    augment->add_option("--width", arguments_.width, "of an image; default: a square of 1 or 3 channels")
        ->check(CLI::PositiveNumber);
    augment->add_option("--height", arguments_.height, "of an image")->check(CLI::PositiveNumber);
    add_maker(augment);
  }

  void add_synthetic() {
    CLI::App* synthetic =
        add("synthetic", "rows of a mixture of bells, some labels wrong, truth known", data_synthetic_verb);
    synthetic->add_option("out", arguments_.out, "FILE.h5")->required();
    add_rows(synthetic);
    add_seed(synthetic);
    synthetic->add_option("--features", arguments_.n_features, "of a row")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    synthetic->add_option("--classes", arguments_.n_classes, "of the mixture")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    synthetic->add_option("--rate", arguments_.rate, "share of wrong labels")->check(CLI::Range(0.0, 1.0));
    synthetic->add_option("--dtype", arguments_.dtype, "of the features")->check(one_of({"float16", "float32"}));
    add_maker(synthetic);
  }

  CommandLine& line_;
  DataArguments& arguments_;
  CLI::App& data_;
};

}  // namespace

void add_verbs_of_data(CommandLine& line) {
  const DataVerbs verbs(line);
}

}  // namespace meha
