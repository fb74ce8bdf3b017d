// SPDX-License-Identifier: MIT
#include "meha/data/generated_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

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

/// Four numbers uniform in (−1, 1).
std::array<float, 4> four_uniforms(Index seed, Stream stream, Index step, Index row) {
  const std::uint64_t bits = random_bits(seed, stream, step, row);
  std::array<float, 4> numbers{};
  for (std::size_t i = 0; i < 4; ++i) {
    numbers[i] = static_cast<float>(static_cast<int>(bits >> (16 * i) & 0xffffU) * 2 - 65535) * (1.0F / 65536);
  }
  return numbers;
}

/// Mean 0, deviation 1.
float bell(Index seed, Stream stream, Index step, Index row) {
  const auto u = four_uniforms(seed, stream, step, row);
  return ((u[0] + u[1]) + (u[2] + u[3])) * 0.8660254F;
}

constexpr std::size_t n_cells = 4;  // of the grid, in each direction
constexpr std::size_t n_knots = n_cells + 3;
constexpr Index n_field_draws = (2 * n_knots * n_knots + 3) / 4;

/// Values of the four cubic B-splines that are not 0 at a point of a cell, 0 <= t <= 1.
std::array<float, 4> splines(float t) {
  const float s = 1 - t;
  return {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6};
}

/// Deforms images of one size; one for each thread.
class Deformer {
 public:
  Deformer(Index width, Index height, Index n_channels, Real strength)
      : strength_(static_cast<float>(strength)),
        width_(static_cast<std::size_t>(width)),
        height_(static_cast<std::size_t>(height)),
        n_channels_(static_cast<std::size_t>(n_channels)),
        columns_(knots_along(width_)),
        rows_(knots_along(height_)) {}

  void operator()(const std::byte* image, std::byte* deformed, Index seed, Index row) {
    const auto a = four_uniforms(seed, Stream::Deform, 1, row);
    const auto b = four_uniforms(seed, Stream::Deform, 2, row);
    // rotation by 2·atan(r): rational, so that no library's sine decides about a pixel
    const float r = strength_ * 0.0436609F * a[0];  // tan 2.5°
    const float cosine = (1 - r * r) / (1 + r * r);
    const float sine = 2 * r / (1 + r * r);
    const float scale_x = 1 + strength_ * 0.05F * a[1];
    const float scale_y = 1 + strength_ * 0.05F * a[2];
    const float shear = strength_ * 0.05F * a[3];
    const float xx = scale_x * cosine;
    const float xy = scale_x * (shear * cosine - sine);
    const float yx = scale_y * sine;
    const float yy = scale_y * (shear * sine + cosine);
    const float centre_x = 0.5F * static_cast<float>(width_ - 1);
    const float centre_y = 0.5F * static_cast<float>(height_ - 1);
    const float shift_x = strength_ * static_cast<float>(width_) / 28 * b[0] + centre_x;
    const float shift_y = strength_ * static_cast<float>(height_) / 28 * b[1] + centre_y;
    draw_field(seed, row);
    for (std::size_t y = 0; y < height_; ++y) {
      field_of_row(y);
      const float dy = static_cast<float>(y) - centre_y;
      for (std::size_t x = 0; x < width_; ++x) {
        const float dx = static_cast<float>(x) - centre_x;
        float from_x = xx * dx + xy * dy + shift_x;
        float from_y = yx * dx + yy * dy + shift_y;
        for (std::size_t k = 0; k < 4; ++k) {
          from_x += columns_[x].weight[k] * line_[0][columns_[x].first + k];
          from_y += columns_[x].weight[k] * line_[1][columns_[x].first + k];
        }
        sample(image, from_x, from_y, deformed + (y * width_ + x) * n_channels_);
      }
    }
  }

 private:
  struct Knots {
    std::size_t first;
    std::array<float, 4> weight;
  };

  static std::vector<Knots> knots_along(std::size_t size) {
    std::vector<Knots> knots;
    for (std::size_t i = 0; i < size; ++i) {
      const float at = (static_cast<float>(i) + 0.5F) / static_cast<float>(size) * n_cells;
      const auto cell = std::min(static_cast<std::size_t>(at), n_cells - 1);
      knots.push_back({cell, splines(at - static_cast<float>(cell))});
    }
    return knots;
  }

  void draw_field(Index seed, Index row) {
    const std::array<float, 2> reach = {strength_ * static_cast<float>(width_) / 28,
                                        strength_ * static_cast<float>(height_) / 28};
    constexpr std::size_t n = n_knots * n_knots;
    for (Index draw = 0; draw < n_field_draws; ++draw) {
      const auto u = four_uniforms(seed, Stream::Deform, 3 + draw, row);
      for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t at = static_cast<std::size_t>(draw) * 4 + i;
        if (at < 2 * n) {
          field_[at / n][at % n] = reach[at / n] * u[i];
        }
      }
    }
  }

  void field_of_row(std::size_t y) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      for (std::size_t x = 0; x < n_knots; ++x) {
        float sum = 0;
        for (std::size_t k = 0; k < 4; ++k) {
          sum += rows_[y].weight[k] * field_[axis][(rows_[y].first + k) * n_knots + x];
        }
        line_[axis][x] = sum;
      }
    }
  }

  /// The floor, up to rounding (at most 2⁻⁷ next to a whole number, where both neighbours give the same pixel).
  static std::ptrdiff_t whole_part(float x) {
    constexpr int shift = 1 << 16;  // makes it positive
    return static_cast<int>(x + shift) - shift;
  }

  /// Outside the image everything is 0.
  void sample(const std::byte* image, float x, float y, std::byte* into) const {
    const auto at = [&](std::ptrdiff_t i, std::ptrdiff_t j, std::size_t channel) {
      const bool inside =
          i >= 0 && j >= 0 && i < static_cast<std::ptrdiff_t>(width_) && j < static_cast<std::ptrdiff_t>(height_);
      const auto pixel = static_cast<std::size_t>(inside ? j * static_cast<std::ptrdiff_t>(width_) + i : 0);
      return inside ? static_cast<float>(image[pixel * n_channels_ + channel]) : 0.0F;
    };
    const std::ptrdiff_t i = whole_part(x);
    const std::ptrdiff_t j = whole_part(y);
    const float u = x - static_cast<float>(i);
    const float v = y - static_cast<float>(j);
    for (std::size_t c = 0; c < n_channels_; ++c) {
      const float above = (1 - u) * at(i, j, c) + u * at(i + 1, j, c);
      const float below = (1 - u) * at(i, j + 1, c) + u * at(i + 1, j + 1, c);
      into[c] = static_cast<std::byte>(static_cast<int>((1 - v) * above + v * below + 0.5F));
    }
  }

  float strength_;
  std::size_t width_, height_, n_channels_;
  std::vector<Knots> columns_, rows_;
  std::array<std::array<float, n_knots * n_knots>, 2> field_{};
  std::array<std::array<float, n_knots>, 2> line_{};
};

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
