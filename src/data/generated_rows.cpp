// SPDX-License-Identifier: MIT
#include "meha/data/generated_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "deformer.hpp"
#include "meha/core/error.hpp"
#include "meha/core/random.hpp"

namespace meha {
namespace {

/// Calls part(rows) for consecutive parts of `rows`, each in a thread of its own.
template <class Part>
void in_threads(int n_threads, Range rows, const Part& part) {
  std::vector<std::thread> threads;
  for (int t = 0; t < n_threads; ++t) {
    const Range mine{rows.begin + rows.size() * t / n_threads, rows.begin + rows.size() * (t + 1) / n_threads};
    threads.emplace_back([&part, mine] { part(mine); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
}

/// Mean 0, deviation 1.
float bell(Index seed, Stream stream, Index step, Index row) {
  const auto u = four_uniforms(seed, stream, step, row);
  return ((u[0] + u[1]) + (u[2] + u[3])) * 0.8660254F;
}

class DeformedRows : public RowSource {
 public:
  DeformedRows(std::shared_ptr<const Table> images, const DeformOptions& options, Index first_row)
      : images_(std::move(images)), options_(options), next_(first_row) {
    if (images_->element != Storage::UInt8) {
      throw Error(ExitCode::Data, images_->name + ": must hold uint8 images");
    }
    const Index size = images_->n_features;
    if (options_.width == 0 && options_.height == 0) {
      for (const Index n_channels : {1, 3}) {
        const auto side = static_cast<Index>(std::llround(std::sqrt(static_cast<Real>(size / n_channels))));
        if (side * side * n_channels == size) {
          options_.width = options_.height = side;
          break;
        }
      }
    }
    if (options_.width <= 0 || options_.height <= 0 || size % (options_.width * options_.height) != 0) {
      throw Error(ExitCode::Config,
                  images_->name + ": rows of " + std::to_string(size) +
                      " values: --width and --height must be given, and their product must divide it");
    }
  }

  Table read(Index n_rows) override {
    const Range rows{next_, std::min(next_ + n_rows, options_.n_rows)};
    Table table;
    table.name = images_->name;
    table.n_rows = rows.size();
    table.n_features = images_->n_features;
    table.class_names = images_->class_names;
    table.features.resize(static_cast<std::size_t>(rows.size() * table.row_bytes()));
    for (Index i = rows.begin; i < rows.end; ++i) {
      const Index image = image_of(i);
      table.ids.push_back(image);
      table.labels.push_back(images_->labels[static_cast<std::size_t>(image)]);
      if (!images_->truth.empty()) {
        table.truth.push_back(images_->truth[static_cast<std::size_t>(image)]);
      }
    }
    in_threads(options_.n_threads, rows, [&](Range part) {
      Deformer deform(options_.width, options_.height, table.n_features / (options_.width * options_.height),
                      options_.strength);
      for (Index i = part.begin; i < part.end; ++i) {
        const auto at = static_cast<std::size_t>(i - rows.begin);
        deform(images_->row(table.ids[at]).data(),
               table.features.data() + at * static_cast<std::size_t>(table.row_bytes()), options_.seed, i);
      }
    });
    next_ = rows.end;
    return table;
  }
  [[nodiscard]] Real part_read() const override {
    return static_cast<Real>(next_) / static_cast<Real>(options_.n_rows);
  }

 private:
  Index image_of(Index row) {
    const Index epoch = row / images_->n_rows;
    if (epoch != epoch_) {
      order_.resize(static_cast<std::size_t>(images_->n_rows));
      std::iota(order_.begin(), order_.end(), Index{0});
      random_shuffle(order_, options_.seed, Stream::RowKeys, epoch);
      epoch_ = epoch;
    }
    return order_[static_cast<std::size_t>(row % images_->n_rows)];
  }

  std::shared_ptr<const Table> images_;
  DeformOptions options_;
  Index next_;
  Index epoch_ = -1;
  std::vector<Index> order_;  // of the images in this epoch
};

class MixtureRows : public RowSource {
 public:
  MixtureRows(const MixtureOptions& options, Index first_row) : options_(options), next_(first_row) {
    for (Index k = 0; k < options.n_classes; ++k) {
      for (Index j = 0; j < options.n_features; ++j) {
        centres_.push_back(0.75F * bell(options.seed, Stream::Mixture, centre_step + j, k));
      }
    }
  }

  Table read(Index n_rows) override {
    const Range rows{next_, std::min(next_ + n_rows, options_.n_rows)};
    const auto n_features = static_cast<std::size_t>(options_.n_features);
    Table table;
    table.n_rows = rows.size();
    table.n_features = options_.n_features;
    table.element = Storage::Float32;
    table.features.resize(static_cast<std::size_t>(rows.size() * table.row_bytes()));
    table.labels.resize(static_cast<std::size_t>(rows.size()));
    table.truth = table.labels;
    in_threads(options_.n_threads, rows, [&](Range part) {
      std::vector<float> features(n_features);
      for (Index i = part.begin; i < part.end; ++i) {
        const auto at = static_cast<std::size_t>(i - rows.begin);
        const Index truth = random_below(options_.n_classes, options_.seed, Stream::Mixture, 0, i);
        for (std::size_t j = 0; j < n_features; ++j) {
          features[j] = centres_[static_cast<std::size_t>(truth) * n_features + j] +
                        bell(options_.seed, Stream::Mixture, 3 + static_cast<Index>(j), i);
        }
        std::memcpy(table.features.data() + at * n_features * sizeof(float), features.data(),
                    n_features * sizeof(float));
        table.truth[at] = static_cast<Label>(truth);
        table.labels[at] = static_cast<Label>(label_of(truth, i));
      }
    });
    next_ = rows.end;
    return table;
  }
  [[nodiscard]] Real part_read() const override {
    return static_cast<Real>(next_) / static_cast<Real>(options_.n_rows);
  }

 private:
  [[nodiscard]] Index label_of(Index truth, Index row) const {
    if (options_.n_classes < 2 || random_uniform(options_.seed, Stream::Mixture, 1, row) >= options_.rate) {
      return truth;
    }
    const Index other = random_below(options_.n_classes - 1, options_.seed, Stream::Mixture, 2, row);
    return other < truth ? other : other + 1;
  }

  static constexpr Index centre_step = Index{1} << 31;
  MixtureOptions options_;
  Index next_;
  std::vector<float> centres_;
};

}  // namespace

std::unique_ptr<RowSource> deformed_rows(std::shared_ptr<const Table> images, const DeformOptions& options,
                                         Index first_row) {
  return std::make_unique<DeformedRows>(std::move(images), options, first_row);
}

std::unique_ptr<RowSource> mixture_rows(const MixtureOptions& options, Index first_row) {
  return std::make_unique<MixtureRows>(options, first_row);
}

}  // namespace meha
