// SPDX-License-Identifier: MIT
// meha data corrupt, meha data augment, meha data synthetic: rows made from others, or from random numbers.
#include <numeric>

#include "meha/app/data_bands.hpp"
#include "meha/app/verbs.hpp"
#include "meha/core/schedule.hpp"
#include "meha/data/generated_rows.hpp"
#include "meha/data/hdf5_table.hpp"
#include "meha/data/instance_noise.hpp"
#include "meha/data/noise.hpp"

namespace meha {
namespace {

void corrupt(const std::string& path, std::vector<Label>& labels, Index n_classes, const NoiseOptions& noise,
             Index seed) {
  if (noise.kind != "instance") {
    corrupt_labels(labels, n_classes, noise, seed);
    return;
  }
  Selection rows{.table = std::make_shared<Table>(read_hdf5_table(path, {}, Targets::Classes, Features::InFile)),
                 .rows = std::vector<Index>(labels.size()),
                 .labels = {}};
  std::iota(rows.rows.begin(), rows.rows.end(), Index{0});
  rows.labels.swap(labels);
  corrupt_instances(rows, n_classes, noise, seed);
  rows.labels.swap(labels);
}

}  // namespace

ExitCode data_corrupt_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  OutputClaim claim(a.out, {a.in});
  const RowsFile in = sound_file(a.in);
  RowsFormat format = in.format();
  format.has_truth = true;
  format.block_rows = format.block_rows > 0 ? format.block_rows : a.block_rows;
  format.recipe = "corrupt " + a.in + " (" + (in.fingerprint().empty() ? identity(a.in) : in.fingerprint()) + "), " +
                  a.kind + " " + shortest(a.rate) + ", seed " + std::to_string(a.seed);
  const Range all{0, in.n_rows()};
  auto labels = in.labels(all);
  const auto truth = in.format().has_truth ? in.truth(all) : labels;
  Index n_classes = static_cast<Index>(format.class_names.size());
  for (const Label label : labels) {
    n_classes = std::max<Index>(n_classes, label + 1);
  }
  corrupt(a.in, labels, n_classes, {.kind = a.kind, .rate = a.rate}, a.seed);
  return resumable([&] {
    RowsWriter writer = open_writer(a.out, format, claim.changed());
    Index next = writer.n_rows();
    const auto read = [&](Index n) {
      const Range rows{next, std::min(next + n, in.n_rows())};
      Table table = in.read(rows);
      table.labels.assign(labels.begin() + rows.begin, labels.begin() + rows.end);
      table.truth.assign(truth.begin() + rows.begin, truth.begin() + rows.end);
      next = rows.end;
      return table;
    };
    write_bands(
        read, [&] { return static_cast<Real>(next) / static_cast<Real>(in.n_rows()); }, writer,
        rows_of_band(format, bytes_of_band), false, "copying");
    return finish(writer, a.out, claim);
  });
}

ExitCode data_augment_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  OutputClaim claim(a.out, {a.in});
  auto images = std::make_shared<Table>();
  RowsFormat format;
  {
    const RowsFile in = sound_file(a.in);
    format = in.format();
    *images = in.read({0, in.n_rows()});
    format.recipe = "augment " + a.in + " (" + (in.fingerprint().empty() ? identity(a.in) : in.fingerprint()) + "), " +
                    std::to_string(a.n_rows) + " rows, strength " + shortest(a.strength) + ", seed " +
                    std::to_string(a.seed) + ", width " + std::to_string(a.width) + ", height " +
                    std::to_string(a.height) + ", block_rows " + std::to_string(a.block_rows);
  }
  const DeformOptions options{.seed = a.seed,
                              .width = a.width,
                              .height = a.height,
                              .strength = a.strength,
                              .n_rows = a.n_rows,
                              .n_threads = n_threads_of(a.n_threads)};
  deformed_rows(images, options, 0);  // refuses what does not fit before a file is made
  format.has_ids = true;
  format.block_rows = a.block_rows;
  format.shuffle_seed = a.seed;
  return resumable([&] {
    RowsWriter writer = open_writer(a.out, format, claim.changed());
    const auto source = deformed_rows(images, options, writer.n_rows());
    write_bands([&](Index n) { return source->read(n); }, [&] { return source->part_read(); }, writer,
                rows_of_band(format, bytes_of_band), true, "deforming");
    return finish(writer, a.out, claim);
  });
}

ExitCode data_synthetic_verb(const Arguments& arguments) {
  const DataArguments& a = arguments.data;
  OutputClaim claim(a.out, {});
  RowsFormat format{
      .stored = stored_of(a.dtype), .n_features = a.n_features, .block_rows = a.block_rows, .has_truth = true};
  for (Index k = 0; k < a.n_classes; ++k) {
    format.class_names.push_back(std::to_string(k));
  }
  format.recipe = "synthetic " + std::to_string(a.n_rows) + " rows, " + std::to_string(a.n_features) + " features, " +
                  std::to_string(a.n_classes) + " classes, rate " + shortest(a.rate) + ", seed " +
                  std::to_string(a.seed) + ", " + name_of(format.stored) + ", block_rows " +
                  std::to_string(a.block_rows);
  return resumable([&] {
    RowsWriter writer = open_writer(a.out, format, claim.changed());
    const auto source = mixture_rows({.seed = a.seed,
                                      .n_rows = a.n_rows,
                                      .n_features = a.n_features,
                                      .n_classes = a.n_classes,
                                      .rate = a.rate,
                                      .n_threads = n_threads_of(a.n_threads)},
                                     writer.n_rows());
    write_bands([&](Index n) { return source->read(n); }, [&] { return source->part_read(); }, writer,
                rows_of_band(format, bytes_of_band), true, "making");
    return finish(writer, a.out, claim);
  });
}

}  // namespace meha
