// SPDX-License-Identifier: MIT
// Turns a problem, a cut of its rows into blocks and a communicator into global values. An algorithm says what it wants
// where, and one call makes one pass over the rows and ONE allreduce:
//
//     auto sweep = oracle.sweep(s.x, k);
//     const Result& at_theta = sweep.lower(s.theta, Want::GradX | Want::GradY);
//     const Result& at_y     = sweep.lower(s.y,     Want::GradX | Want::GradY);
//     sweep.add_upper(s.y, Want::GradX | Want::GradY, 1 / c, at_y);     // ∇F/c joins ∇f in the same sum
//     sweep.between_halves(x_step);                                     // ∇_x at x, then x_step, then ∇_y at x⁺
//     sweep.run();
//
// With x per row the rows of x are stepped between the forward and the backward half of each tile: one pass. With shared
// x the two halves are two passes with an allreduce each. Where the rows of a pass reach few columns of y, ranks first tell
// each other which, by one bit a column, and the sums have these only.
#pragma once

#include <array>
#include <chrono>
#include <deque>

#include "meha/comm/exact_sum.hpp"
#include "meha/core/activity.hpp"
#include "meha/core/minibatch.hpp"
#include "meha/solver/packed_y.hpp"

namespace meha {

/// Global values at one probe. Vectors have size 0 where nothing was wanted.
struct Result {
  Real value = 0;
  Vec grad_x;  // PerRow: the rows stored here; complete only for the rows a row step is called with
  Vec grad_y;
};

/// Sums over rows that a row step adds to, row by row: two squared norms. Global after run().
struct RowSums {
  Real residual_square = 0;
  Real step_square = 0;
};
/// Steps x on `rows`, which index both the stored rows of State's per-row fields and Result::grad_x (Shared: all of x).
using RowStep = std::function<void(Range rows, RowSums& sums)>;

/// Wall time [s] by stage.
struct Timings {
  Real compute = 0, allreduce = 0, update = 0, start = 0, evaluate = 0, checkpoint = 0;
};

/// Adds the life of this object to the timing of a stage.
class Stopwatch {
 public:
  explicit Stopwatch(Real& total, Stage stage = Stage::None) : doing_(stage), total_(total) {}
  ~Stopwatch() { total_ += std::chrono::duration<Real>(std::chrono::steady_clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Doing doing_;
  Real& total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What ranks ask of the run; any rank may ask, all agree with the next allreduce.
struct Requests {
  bool not_finite = false, stop = false, time_limit = false, checkpoint = false;
};

enum class Placement { Sharded, Root };

class Sweep;

class Oracle {
 public:
  struct Setup {
    Index block_rows = 512;  // of the rows as they are dealt out
    Index n_parts = 1;       // blocks of a pass for each of those: a divisor of block_rows
    Index seed = 0;
    Index batch_lower = 0, batch_upper = 0;
    ExactSum::Kind sum = ExactSum::Kind::Exact;
    Placement placement = Placement::Sharded;
  };

  /// Values steer nothing and may be large where gradients are not (squares far from a solution): they are summed over a
  /// range larger by 2^this, to a resolution coarser by as much.
  static constexpr int value_headroom = 20;

  Oracle(Problem& problem, Communicator& comm, const Setup& setup);

  /// Opens a sweep over the minibatch of step k. One sweep at a time.
  Sweep sweep(Vec& x, Index k);
  /// Opens a sweep over all rows.
  Sweep full_sweep(Vec& x);

  /// Tallies of the problem's own metrics over all blocks of all levels, summed as everything else is: the same bits on
  /// any number of ranks. Not a number when one of them is not finite. Collective.
  Vec tally(Vec& x, const Vec& y);
  /// x of the lower rows this rank owns, wherever it is stored; valid until the next sweep, or the next change of x.
  /// PerRow only. Collective.
  InSpan owned_x(const Vec& x);
  /// The way back: what the owners made for their rows, as x is stored. Collective.
  [[nodiscard]] Vec stored_x(Vec of_owned_rows) const;
  /// Runs `update` on rank 0 and broadcasts the fields. Collective.
  template <class Update, class... Fields>
  void on_root(Update&& update, Fields&... fields) {
    const Stopwatch watch(timings.update, Stage::Update);
    comm_.on_root(update, fields...);
  }

  [[nodiscard]] Problem& problem() { return problem_; }
  [[nodiscard]] Communicator& comm() { return comm_; }
  [[nodiscard]] bool per_row() const { return problem_.x_layout() == XLayout::PerRow; }
  [[nodiscard]] Index n_lower_rows() const { return problem_.n_rows(Level::Lower); }
  /// Rows of a minibatch (of the first; later ones differ by less than a block).
  [[nodiscard]] Index n_rows_in_step(Level level) { return minibatches_[static_cast<std::size_t>(level)].n_rows(0); }
  /// Iterations in a pass over the lower rows.
  [[nodiscard]] Index iterations_per_pass() const { return minibatches_[0].steps_per_pass(); }
  /// Rows of per-row fields that each rank stores: its own blocks (sharded), or all on rank 0 (root).
  [[nodiscard]] const std::vector<Range>& stored_rows() const { return stored_rows_; }
  /// How long x is in this rank's State.
  [[nodiscard]] Index stored_x_size() const;
  /// The lower rows that this rank computes with.
  [[nodiscard]] Range owned_rows() const { return owned_rows_[static_cast<std::size_t>(comm_.rank())]; }
  /// Requests as agreed upon in the last sweep, in any of its passes.
  [[nodiscard]] const Requests& agreed() const { return agreed_; }

  /// Asked on every rank before every allreduce; may be empty.
  std::function<Requests()> poll;
  Timings timings;

 private:
  friend class Sweep;

  struct Request {
    Level level = Level::Lower;
    const Vec* y = nullptr;
    Want want = Want::Nothing;
    Real factor = 1;        // of the gradients
    std::size_t joins = 0;  // the request whose gradient sums this one joins (itself: none)
    Result result;
    Vec share_x, share_y;                    // one block's share, reused
    Index at_value = 0, at_x = 0, at_y = 0;  // offsets in the message
  };

  Sweep open(Vec& x, Index k, bool full);
  std::size_t add_request(Level level, const Vec& y, Want want);
  [[nodiscard]] std::size_t request_of(const Result& result) const;
  void run(const RowStep& row_step);
  void pass(Want halves, const RowStep& row_step, bool again = false);
  void find_columns(Want halves);
  [[nodiscard]] bool marks_columns() const;  // before each pass, those that it reaches
  void mark_columns(Level level, std::span<std::uint64_t> reached);
  void lay_out(Want halves);
  void add_blocks(Level level, Want halves, const RowStep& row_step, bool again);
  void expect(Level level, bool again);
  void allreduce();
  void add_shares(const std::vector<Request*>& requests, std::span<Share> shares);
  [[nodiscard]] bool wants(Level level, Want halves) const;
  void mine_of(Level level, const std::vector<Index>& blocks, std::vector<Index>& mine) const;
  void add_row_sums(const RowSums& sums);
  void read_sums(Want halves);
  void bring_x(const Vec& x);
  void step_rows_on_root(const RowStep& row_step);
  [[nodiscard]] BlockPlan plan(Level level) const;
  [[nodiscard]] bool remote() const;  // x per row is stored elsewhere than its rows
  [[nodiscard]] Minibatches& batches(Level level);
  [[nodiscard]] Range owned(Level level) const;
  [[nodiscard]] OutSpan rows_of_x(Range rows);

  Problem& problem_;
  Communicator& comm_;
  Setup setup_;
  std::vector<Range> owned_rows_, stored_rows_;
  std::array<Minibatches, 2> minibatches_, next_minibatches_, all_blocks_;  // Lower, Upper
  ExactSum message_;
  Requests agreed_;
  // the sweep at hand
  Vec* x_ = nullptr;
  Vec x_here_;  // remote(): the rows of x that this rank computes with
  Index k_ = 0;
  bool full_ = false;
  std::deque<Request> requests_;  // the first n_requests_ are in use
  std::size_t n_requests_ = 0;
  struct {
    std::vector<Request*> requests;
    std::vector<Probe> probes;
    std::vector<Share> shares;
  } work_;                                                    // of the level at hand, reused
  std::vector<Index> my_blocks_;                              // of the pass at hand, those of this rank
  std::vector<Index> expected_;                               // and of the next
  PackedY y_;                                                 // what takes part in the pass at hand
  std::array<std::vector<std::uint64_t>, 2> columns_of_all_;  // Lower, Upper: bits; empty: not known yet
  Index n_sums_ = 0;
  int exponent_ = 0;
  RowSums row_sums_;
  std::vector<RowSums> root_row_sums_;  // by block, waiting for the next message
};

/// What is wanted of one sweep. References to results stay valid until the next sweep is opened.
class Sweep {
 public:
  const Result& lower(const Vec& y, Want want) { return add(Level::Lower, y, want); }
  const Result& upper(const Vec& y, Want want) { return add(Level::Upper, y, want); }
  /// F at y: its gradients times `factor` are added to those of `into`, before rounding.
  /// @return its value
  const Result& add_upper(const Vec& y, Want want, Real factor, const Result& into);
  void between_halves(RowStep row_step) { row_step_ = std::move(row_step); }
  /// Collective.
  void run() { oracle_.run(row_step_); }
  /// Global (Shared: on rank 0) after run().
  [[nodiscard]] const RowSums& row_sums() const { return oracle_.row_sums_; }

 private:
  friend class Oracle;
  explicit Sweep(Oracle& oracle) : oracle_(oracle) {}
  const Result& add(Level level, const Vec& y, Want want) {
    return oracle_.requests_[oracle_.add_request(level, y, want)].result;
  }

  Oracle& oracle_;
  RowStep row_step_;
};

}  // namespace meha
