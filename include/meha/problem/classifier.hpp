// SPDX-License-Identifier: MIT
// Losses ℓ_i(y) of a classifier (cross-entropy) or of a regression (half squared error) on tiles of rows, in halves:
// forward gives the losses at every point y of the pass; backward adds Σ_i w_i ∇ℓ_i(y), with weights that may have been
// chosen after seeing the losses.
#pragma once

#include <memory>

#include "meha/core/named_array.hpp"
#include "meha/core/options.hpp"
#include "meha/data/dataset.hpp"
#include "meha/problem/kernels/kernels.hpp"
#include "meha/problem/pieces.hpp"

namespace meha {

/// Which classifier has y as its parameters.
struct ModelOptions {
  std::string model = "auto";

  void each(auto&& see) {
    see(OptionInfo{"problem.model", Rule::one_of("auto|linear|mlp"), OnResume::Chosen,
                   "classifier whose parameters are y; auto: mlp where it predicts labels it has not seen better by 5 "
                   "% (hyper_cleaning, start = \"trusted\", dense features), else linear"},
        model);
  }
};

/// Layers of an mlp or of a feature network, and the penalty on y.
struct NetworkOptions {
  std::vector<Index> hidden = {300};
  std::string activation = "relu";
  Real regularisation = 0;

  void each(auto&& see) {
    using enum OnResume;
    see(OptionInfo{"problem.hidden", Rule::between(1, 1 << 20), Fixed, "units of each hidden layer, first to last"},
        hidden);
    see(OptionInfo{"problem.activation", Rule::one_of("relu|tanh|sigmoid|none"), Fixed,
                   "what follows a hidden layer (mlp: not tanh; few-shot tasks: relu or tanh)"},
        activation);
    see(OptionInfo{"problem.regularisation", Rule::at_least(0), Fixed,
                   "r in f + r*|y|^2; few-shot tasks: in f_t + r/2*|y_t|^2"},
        regularisation);
  }
};

struct InitOptions {
  std::string init = "auto";

  void each(auto&& see) {
    see(OptionInfo{"problem.init", Rule::one_of("auto|zero|kaiming_uniform"), OnResume::Fixed,
                   "start of y; kaiming_uniform: U(±1/sqrt(fan_in)); auto: zero for linear, kaiming_uniform for mlp"},
        init);
  }
};

/// Rows per tile: small enough for the second-level cache, a multiple of group_rows.
inline constexpr Index tile_rows = 128;

/// A direction at one of the points of a pass, by its number.
struct Along {
  std::size_t point = 0;
  InSpan v;
};

class Classifier {
 public:
  Classifier() = default;
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;
  virtual ~Classifier() = default;

  [[nodiscard]] virtual Index n_parameters() const = 0;
  /// Returns the arrays that y consists of, in order.
  [[nodiscard]] virtual std::vector<NamedArray> parameters() const = 0;
  /// The start of y. init = "zero", "kaiming_uniform" (as torch.nn.Linear: W and b of each layer from U(±1/√fan_in)) or
  /// "auto", the model's own choice.
  virtual void start(const std::string& init, Index seed, Out y) const = 0;
  /// Returns how many numbers of y each feature has in a pass over few features (set_points); 0: no such pass.
  [[nodiscard]] virtual Index n_per_feature() const { return 0; }
  /// Prepares a pass at these points, once for all its tiles. Parameters are laid out as PyTorch does: W (out × in,
  /// row-major), b, layer by layer.
  /// @param features  ascending: the tiles' rows have no other features; none: they may have all
  virtual void set_points(std::span<const InSpan> points, std::span<const Index> features) = 0;
  void set_points(std::span<const InSpan> points) { set_points(points, {}); }
  /// Restricts what follows to n of the pass's points, `first` and those after it, which then count from 0; after
  /// set_points() all are in use. What was added at others stays. Not in a pass over few features.
  virtual void use_points(std::size_t first, std::size_t n) = 0;
  /// @param losses  [point·tile_rows + row], nats or halves of squares     tile.n_rows ≤ tile_rows
  virtual void forward(const Tile& tile, OutSpan losses) = 0;
  /// Adds Σ weights[row]·∇ℓ_row at every point for the tile last seen by forward().
  virtual void backward(const Tile& tile, InSpan weights) = 0;
  /// Probabilities of the classes at this point for the tile last seen by forward(). Cross-entropy only; before backward().
  /// @param probabilities  (tile_rows × n_classes), row-major; rows past the tile's last are left alone
  virtual void probabilities(std::size_t point, OutSpan probabilities) const = 0;
  /// Replaces backward(tile, weights) for losses other than the cross-entropy of the tile's labels: sets ∂(loss)/∂(logits)
  /// at this point. Every point must be set before backward(tile). @param residuals  laid out as `probabilities`
  virtual void set_residuals(std::size_t point, const Tile& tile, InSpan residuals) = 0;
  /// Adds the gradients that belong to set_residuals(), at every point, for the tile last seen by forward().
  virtual void backward(const Tile& tile) = 0;
  /// Hands over what backward() has added at a point since the last call, which is forgotten: in pieces that cover y once,
  /// of each layer its biases and then its weights, in whole rows. @param point  counted among all of the pass
  /// Not in a pass over few features.
  virtual void take_gradient(std::size_t point, const TakePiece& take) = 0;
  /// grad_y += the same.
  void collect(std::size_t point, OutSpan grad_y) { take_gradient(point, adder_to(grad_y)); }
  /// As take_gradient(), in a pass over few features, of those in touched(): grad_y = b, then n_per_feature() numbers for each.
  virtual void collect_touched(std::size_t point, OutSpan grad_y);
  /// Places among the pass's features that backward() has touched since the last collect_touched().
  [[nodiscard]] virtual std::span<const std::uint32_t> touched() const { return {}; }
  /// After set_points(): directions v for products ∇²ℓ·v, once for all tiles of the pass. @param features  of set_points()
  virtual void set_directions(std::span<const Along> directions, std::span<const Index> features) = 0;
  /// After forward() of the tile and before backward(). @param slopes  ⟨∇ℓ_row, v⟩, [direction·tile_rows + row]
  virtual void forward_along(const Tile& tile, OutSpan slopes) = 0;
  /// After forward_along() of the tile and before backward(): adds Σ weights[row]·∇²ℓ_row·v for every direction.
  virtual void backward_along(const Tile& tile, InSpan weights) = 0;
  /// hess_y += what backward_along() has added for this direction since the last call, which is forgotten.
  virtual void collect_along(std::size_t direction, OutSpan hess_y) = 0;
  /// Do for backward_along() what collect_touched() and touched() do for backward().
  virtual void collect_touched_along(std::size_t direction, OutSpan hess_y);
  [[nodiscard]] virtual std::span<const std::uint32_t> touched_along() const { return {}; }
  /// Most likely class of each row of the tile last seen by forward(), at point 0; the first of equals.
  virtual void classes(std::span<Label> most_likely) const = 0;
};

enum class Loss { CrossEntropy, Squared };

struct ClassifierShape {
  Index n_features = 0;
  Index n_classes = 0;  // Squared: 1
  Storage element = Storage::UInt8;
  Loss loss = Loss::CrossEntropy;  // Squared: of Tile::numbers; model "linear" alone
};

/// problem.model = "linear" or "auto": softmax(W·a + b), init "auto" is "zero"; "mlp": with hidden layers, "auto" is
/// "kaiming_uniform". @param precision  "float32", "float64", "int16" or, where has_bfloat16(), "bfloat16"
/// Errors: Error(Config) for init = "zero" with hidden layers, and for a loss or a precision that the model does not have.
std::unique_ptr<Classifier> make_classifier(const ProblemOptions& options, const ClassifierShape& shape,
                                            const std::string& precision, Simd simd);

}  // namespace meha
