// SPDX-License-Identifier: MIT
// THE interface of a problem: local mathematics on blocks of rows. No MPI, no clock, no file.
//   min_{x∈X, y∈Y} F(x,y)   s.t.   y ∈ argmin_{y∈Y} f(x,y) + g(x,y)
// f (Level::Lower) and F (Level::Upper) are sums over rows; g has a proximal map. A probe is a point y and what is wanted
// there; all probes of one pass arrive together, so a problem can visit its rows once for all of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "meha/core/blocks.hpp"
#include "meha/core/error.hpp"
#include "meha/core/level.hpp"
#include "meha/core/metric.hpp"
#include "meha/core/named_array.hpp"
#include "meha/core/option.hpp"

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
  InSpan v = {};  // (n_y), of length about 1; empty where no product is wanted
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
};

/// y = an array of n_numbers rows and n_columns columns (row-major), and a rest. Where a block's rows reach few of the
/// columns, a pass is over the columns that its blocks reach, so that its cost grows with these, not with n_y.
struct Columns {
  Index n_columns = 0;  // 0: y does not stand in columns
  Index n_numbers = 0;  // of a column
  bool all = false;     // add_whole() reaches them all
};

struct Block {
  Index id = 0;
  Range rows;
  Index n_rows_in_pass = 0;  // rows of all blocks of this pass on all ranks: the n of a mean
  Range next = {};           // rows of the block that comes next on this rank; empty: none
};

/// Called for rows [begin, end) of a block once their grad_x and cross_x are there; may change x on these rows.
using BetweenHalves = std::function<void(Range rows_in_block)>;

/// The bits that are set among the first n, ascending. @param numbers  set
void list_bits(std::span<const std::uint64_t> bits, Index n, std::vector<Index>& numbers);

/// Constants of f + g and F over all of X×Y, for step sizes that theory guarantees.
struct LipschitzConstants {
  Real lower = 0;  // L_φ: of ∇f and ∇_x g
  Real upper = 0;  // L_F: of ∇F
  Real rho = 0;    // φ(x,·) + ρ/2‖·‖² is convex
};

/// For problems with search_point().
struct SearchOptions {
  Real random_search = 0;

  void each(auto&& see) {
    see(OptionInfo{"problem.random_search", Rule::at_least(0), OnResume::Free,
                   "after the run, search x at random for this many times its passes over rows; 0: no search"},
        random_search);
  }
};

/// What a random search (solver/random_search.hpp) measures.
inline constexpr std::array search_metrics = {
    MetricInfo{"solved_upper_value", "F for the run's x, with the lower level solved as in the random search"},
    MetricInfo{"search_upper_value",
               "least F of a random search over x (problem.random_search times the run's passes)"},
    MetricInfo{"search_shared_upper_value", "… among the trials with one number for all entries of x"},
    MetricInfo{"search_test_accuracy", "test_accuracy of the search's best trial"},
    MetricInfo{"search_test_error", "test_error of the search's best trial"},
    MetricInfo{"search_trials", "trials of the random search"}};

class CrossFit;
struct SampleLabels;

class Problem {
 public:
  Problem() = default;
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  virtual ~Problem() = default;

  [[nodiscard]] virtual XLayout x_layout() const = 0;
  /// Length of x: of the whole vector (Shared) or the number of lower rows (PerRow).
  [[nodiscard]] virtual Index n_x() const = 0;
  [[nodiscard]] virtual Index n_y() const = 0;
  [[nodiscard]] virtual Index n_rows(Level level) const = 0;
  /// Returns e such that a block's share is about 2^-e in a pass over `n_rows_in_pass` rows: sums are accurate to 2^-(64+e).
  [[nodiscard]] virtual int share_exponent(Level level, Index n_rows_in_pass) const;
  /// Returns nothing when they are not known.
  [[nodiscard]] virtual std::optional<LipschitzConstants> constants() const { return std::nullopt; }
  /// Identifies the data; empty when there are none.
  [[nodiscard]] virtual std::string data_fingerprint() const { return {}; }
  /// Returns where this rank's rows are kept, for people; empty when there are none.
  [[nodiscard]] virtual std::string storage() const { return {}; }
  /// Announces, before a pass, the blocks of this rank that will be asked for, in order: those of the pass and some that
  /// are likely to come next. A problem whose rows are on disk reads them ahead. Others may come all the same.
  virtual void expect(Level level, std::span<const Index> blocks);
  /// What has gone wrong on this rank since the start, such as rows that could not be read: the shares are worthless then.
  [[nodiscard]] virtual std::optional<Error> failure() const { return std::nullopt; }
  /// Names what the bits of this rank's shares depend on besides config and instruction set, such as a BLAS library and
  /// the processor it found; empty when there is nothing.
  [[nodiscard]] virtual std::string arithmetic() const { return {}; }

  /// Returns the arrays that y consists of, in order.
  [[nodiscard]] virtual std::vector<NamedArray> parameters() const { return {{"y", {n_y()}}}; }

  /// Sets x and y to the start of the run. @param x  Shared: (n_x); PerRow: the rows this rank stores
  virtual void start(Out x, Out y) const = 0;

  /// Prepares what is needed once per set of probes; called before the blocks of a pass.
  virtual void begin_pass(Level level, std::span<const Probe> probes);
  /// Returns the columns of y, for a problem whose rows reach few of them.
  [[nodiscard]] virtual Columns columns() const { return {}; }
  /// Sets the bits of the columns in which gradients of these rows may differ from 0. @param rows  of one block
  virtual void mark_columns(Level level, Range rows, std::span<std::uint64_t> bits) const;
  /// Does what begin_pass() does for a pass over these columns (ascending). Probes have all of y.
  virtual void begin_pass_in(Level level, std::span<const Probe> probes, std::span<const Index> columns);
  /// Adds this block's share at every probe. The default calls add_one() for each.
  /// @param x  Shared: (n_x); PerRow and Level::Lower: the block's rows of x; else empty
  /// @param between  may be empty. PerRow only: call it for portions of rows after grad_x and cross_x at every probe and
  ///                 before grad_y and hess_y, which must then use the changed x
  virtual void add(Level level, const Block& block, InSpan x, std::span<const Probe> probes, std::span<Share> shares,
                   const BetweenHalves& between);
  /// Adds this block's share at one probe.
  virtual void add_one(Level level, const Block& block, InSpan x, const Probe& probe, Share& share);
  /// Adds terms that count once, not per row (regularisers).
  virtual void add_whole(Level level, InSpan x, const Probe& probe, Share& share) const;
  /// Whether add_whole() may add anything. Where not, passes make no room for it.
  [[nodiscard]] virtual bool has_whole(Level level) const;
  /// Whether add() and add_whole() give HessY and CrossX exactly. Where not, they are never asked for them: the products
  /// are central differences of gradients (problem/visit.hpp).
  [[nodiscard]] virtual bool has_products() const { return false; }
  /// Returns the relative rounding error of the gradients of a row, which the width of differences depends on.
  [[nodiscard]] virtual Real rounding() const { return 0x1p-53; }

  /// Whether g or Y is there at all. Where not, prox_g() does nothing and y may be stepped portion by portion.
  [[nodiscard]] virtual bool has_g() const { return true; }
  /// Returns g(x,y). x is empty for PerRow.
  [[nodiscard]] virtual Real g(In x, In y) const;
  /// Computes grad += factor·∇_x g(x,y). Shared only.
  virtual void add_grad_x_g(Real factor, In x, In y, Out grad) const;
  /// Computes y ← Prox_{step·(g(x,·) + indicator of Y)}(y). x is empty for PerRow.
  virtual void prox_g(Real step, In x, Out y) const;
  /// Computes x ← Proj_X(x). PerRow: any rows of x.
  virtual void project_x(Out x) const;

  /// Maps u to an x for random search. Shared only. @param u  (n_x) of [0, 1]: from the weakest to the strongest x_j worth
  /// a trial, scaled so that a uniform u is a sensible prior   @param x  (n_x), set   @return whether the problem offers a search
  [[nodiscard]] virtual bool search_point(InSpan u, Out x) const;

  /// Metrics of the problem's own: numbers tallied over all blocks of all levels (counts, or shares of means), and what
  /// is made of them on rank 0. tally() adds one block's.
  [[nodiscard]] virtual Index n_tallies() const { return 0; }
  virtual void tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies);
  /// @param x  PerRow: empty
  virtual void measure(InSpan tallies, In x, In y, Metrics& metrics) const;

  /// PerRow: which of the lower rows this rank owns are known to be right (1) and which wrong (0), for the metric auroc of
  /// how well x tells them apart; nothing, on all ranks, when that is unknown.
  [[nodiscard]] virtual std::optional<std::span<const std::uint8_t>> clean_rows() const { return std::nullopt; }

  /// PerRow: what the labels of the rows owned here were and are, for `export --what samples`; null where there are none.
  [[nodiscard]] virtual const SampleLabels* samples() const { return nullptr; }
  /// Models of the labels of Level::Lower, for problems whose labels are in doubt; null where there are none.
  /// Ownership: stays the problem's, and must not be used while a pass of the problem is going on.
  [[nodiscard]] virtual CrossFit* cross_fit() { return nullptr; }
  /// Whether no rows are trusted beforehand: then F is of those rows of Level::Lower that trust() names,
  /// of all of them before it is called.
  [[nodiscard]] virtual bool trusts_surest() const { return false; }
  /// @param rows  1 for each row owned here that F is to be of     @param n_in_all  how many on all ranks
  virtual void trust(std::vector<std::uint8_t> rows, Index n_in_all);
};

}  // namespace meha
