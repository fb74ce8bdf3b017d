// SPDX-License-Identifier: MIT
// THE interface of a problem: local mathematics on blocks of rows. No MPI, no clock, no file. What a problem may offer
// besides, such as metrics of its own, are classes of their own (capabilities.hpp).
//   min_{x∈X, y∈Y} F(x,y)   s.t.   y ∈ argmin_{y∈Y} f(x,y) + g(x,y)
// f (Level::Lower) and F (Level::Upper) are sums over rows; g has a proximal map. A probe is a point y and what is wanted
// there; all probes of one pass arrive together, so a problem can visit its rows once for all of them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "meha/core/blocks.hpp"
#include "meha/core/level.hpp"
#include "meha/core/named_array.hpp"
#include "meha/problem/pieces.hpp"

namespace meha {

/// Shared: x is one vector.  PerRow: x is one number per lower row; then X is a product of intervals, g and F do not
/// contain x, and ∂f/∂x_i depends on row i alone.
enum class XLayout { Shared, PerRow };

/// HessY and CrossX are products with the direction v of the probe: ∇²_yy·v and ∇²_xy·v = ∇_x⟨∇_y, v⟩.
enum class Want : unsigned { Nothing = 0, Value = 1, GradX = 2, GradY = 4, CrossX = 8, HessY = 16 };
constexpr Want operator|(Want a, Want b) {
  return static_cast<Want>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Want operator&(Want a, Want b) {
  return static_cast<Want>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
/// Whether anything of `one` is wanted.
constexpr bool has(Want all, Want one) {
  return (all & one) != Want::Nothing;
}
inline constexpr Want products = Want::CrossX | Want::HessY;

struct Probe {
  InSpan y;
  Want want = Want::Nothing;
  InSpan v = {};       // (n_y), of length about 1; empty where no product is wanted
  bool old_x = false;  // grad_y and hess_y, too, are taken at the x before the step between the halves
};

/// A block's contribution to one probe, and where it is added.
struct Share {
  Real value = 0;  // added to
  OutSpan grad_x;  // Shared: (n_x), added to.  PerRow: (rows of the block), set.  Empty: not wanted
  OutSpan grad_y;  // (n_y), added to.  In a column pass: the first n_rest + |columns|·n_numbers entries, assigned
  OutSpan cross_x = {};  // ∇²_xy·v, as grad_x
  OutSpan hess_y = {};   // ∇²_yy·v, as grad_y
  /// In a pass over few columns, set: the columns, as places among those of the pass, that grad_y and hess_y hold one
  /// after the other, behind the rest of y.
  std::span<const std::uint32_t> columns = {};
  /// Of problems with gives_pieces(), where not null: takes ∂/∂y, in pieces that cover y once, instead of grad_y, which is empty.
  const TakePiece* take_grad_y = nullptr;

  [[nodiscard]] bool wants_grad_y() const { return !grad_y.empty() || take_grad_y != nullptr; }
};

struct Block {
  Index id = 0;
  Range rows;
  Index n_rows_in_pass = 0;  // rows of all blocks of this pass on all ranks: the n of a mean
  Range next = {};           // rows of the block that comes next on this rank; empty: none
};

/// Called for rows [begin, end) of a block once their grad_x and cross_x are there; may change x on these rows.
using BetweenHalves = std::function<void(Range rows_in_block)>;

/// Constants of f + g and F over all of X×Y, for step sizes that theory guarantees.
struct LipschitzConstants {
  Real lower = 0;  // L_φ: of ∇f and ∇_x g
  Real upper = 0;  // L_F: of ∇F
  Real rho = 0;    // φ(x,·) + ρ/2‖·‖² is convex
};

class Provenance;
class RowReader;
class ColumnPasses;
class OwnMetrics;
class SearchSpace;
class DoubtfulLabels;

class Problem {
 public:
  Problem() = default;
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  virtual ~Problem() = default;

  [[nodiscard]] virtual XLayout x_layout() const = 0;
  /// Returns the length of x: of the whole vector (Shared) or the number of lower rows (PerRow).
  [[nodiscard]] virtual Index n_x() const = 0;
  [[nodiscard]] virtual Index n_y() const = 0;
  [[nodiscard]] virtual Index n_rows(Level level) const = 0;
  /// Returns e such that a block's share is about 2^-e in a pass over `n_rows_in_pass` rows: sums are accurate to 2^-(64+e).
  [[nodiscard]] virtual int share_exponent(Level level, Index n_rows_in_pass) const;
  /// Returns nothing when they are not known.
  [[nodiscard]] virtual std::optional<LipschitzConstants> constants() const { return std::nullopt; }
  /// Returns the arrays that y consists of, in order.
  [[nodiscard]] virtual std::vector<NamedArray> parameters() const { return {{"y", {n_y()}}}; }
  /// Returns the numbers, in the files, of the features that the first array has columns for; empty: all, in their order.
  [[nodiscard]] virtual std::vector<Index> features_in_use() const { return {}; }

  /// Sets x and y to the start of the run. @param x  Shared: (n_x); PerRow: the rows this rank stores
  virtual void start(Out x, Out y) const = 0;

  /// Prepares what is needed once per set of probes; called before the blocks of a pass.
  virtual void begin_pass(Level level, std::span<const Probe> probes);
  /// Adds this block's share at every probe. The default calls add_one() for each.
  /// @param x  Shared: (n_x); PerRow and Level::Lower: the block's rows of x; else empty
  /// @param between  may be empty. PerRow only: call it for portions of rows after grad_x and cross_x at every probe and
  ///                 before grad_y and hess_y, which must then use the changed x (but for probes with old_x)
  virtual void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
                   const BetweenHalves& between);
  /// Adds this block's share at one probe.
  virtual void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share);
  /// Adds terms that count once, not per row (regularisers).
  virtual void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const;
  /// Returns whether add_whole() may add anything. Where not, passes make no room for it.
  [[nodiscard]] virtual bool has_whole(Level level) const;
  /// Returns whether add() and add_whole() give HessY and CrossX exactly. Where not, they are never asked for them: the
  /// products are central differences of gradients (problem/visit.hpp).
  [[nodiscard]] virtual bool has_products() const { return false; }
  /// Returns whether add() heeds Share::take_grad_y: a gradient that is kept in another form then goes straight to the sums.
  [[nodiscard]] virtual bool gives_pieces() const { return false; }
  /// Returns whether add() heeds Probe::old_x. Where not, such probes cost a pass of their own. PerRow only.
  [[nodiscard]] virtual bool takes_old_x() const { return false; }
  /// Returns the relative rounding error of the gradients of a row, which the width of differences depends on.
  [[nodiscard]] virtual Real rounding() const { return 0x1p-53; }

  /// Returns whether g or Y is there at all. Where not, prox_g() does nothing and y may be stepped portion by portion.
  [[nodiscard]] virtual bool has_g() const { return true; }
  /// Returns g(x,y). x is empty for PerRow.
  [[nodiscard]] virtual Real g(In x, In y) const;
  /// Computes grad += factor·∇_x g(x,y). Shared only.
  virtual void add_grad_x_g(Real factor, In x, In y, Out grad) const;
  /// Computes y ← Prox_{step·(g(x,·) + indicator of Y)}(y). x is empty for PerRow.
  virtual void prox_g(Real step, In x, Out y) const;
  /// Computes x ← Proj_X(x). PerRow: any rows of x.
  virtual void project_x(Out x) const;

  /// Return what the problem offers besides (capabilities.hpp): itself, or a part of itself; null where it does not.
  /// Ownership: stays the problem's.
  [[nodiscard]] virtual Provenance* provenance() { return nullptr; }
  [[nodiscard]] virtual RowReader* row_reader() { return nullptr; }
  [[nodiscard]] virtual ColumnPasses* column_passes() { return nullptr; }
  [[nodiscard]] virtual OwnMetrics* own_metrics() { return nullptr; }
  [[nodiscard]] virtual SearchSpace* search_space() { return nullptr; }
  [[nodiscard]] virtual DoubtfulLabels* doubtful_labels() { return nullptr; }
};

}  // namespace meha
