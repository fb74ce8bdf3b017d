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
// x the two halves are two passes with an allreduce each. A method that steps x only after all has been taken at x says
// sweep.after(x_step): one pass in either case. One that needs both says sweep.keep_old_x(at_y) of the points whose
// gradients to y, too, belong to the x before the step. Products ∇²_yy·v and ∇²_xy·v come from the same visits; v is scaled by a
// power of two to a length of about 1, and the products back after the sum. Where the rows of a pass reach few columns of
// y, ranks first tell each other which, by one bit a column, and the sums have these only.
#pragma once

#include <array>
#include <deque>
#include <utility>

#include "meha/comm/exact_sum.hpp"
#include "meha/core/minibatch.hpp"
#include "meha/problem/capabilities.hpp"
#include "meha/problem/visit.hpp"
#include "meha/solver/counts.hpp"
#include "meha/solver/packed_y.hpp"
#include "meha/solver/timings.hpp"

namespace meha {

/// Global values at one probe. Vectors have size 0 where nothing was wanted.
struct Result {
  Real value = 0;
  Vec grad_x;  // PerRow: the rows stored here; complete only for the rows a row step is called with
  Vec grad_y;
  Vec cross_x;  // ∇²_xy·v, as grad_x
  Vec hess_y;   // ∇²_yy·v
};

/// A kind of vector that is wanted at a probe, and where it stands in shares and results.
struct Quantity {
  Want want;
  bool of_x;  // as long as x, else as y
  OutSpan Share::*share;
  Vec Result::*result;
};
inline constexpr std::array quantities = {Quantity{Want::GradX, true, &Share::grad_x, &Result::grad_x},
                                          Quantity{Want::GradY, false, &Share::grad_y, &Result::grad_y},
                                          Quantity{Want::CrossX, true, &Share::cross_x, &Result::cross_x},
                                          Quantity{Want::HessY, false, &Share::hess_y, &Result::hess_y}};

/// Sums over rows that a row step adds to, row by row: two squared norms. Global after run().
struct RowSums {
  Real residual_square = 0;
  Real step_square = 0;
};
/// Steps x on `rows`, which index both the stored rows of State's per-row fields and Result::grad_x (Shared: all of x).
using RowStep = std::function<void(Range rows, RowSums& sums)>;

/// Requests of ranks to the run; any rank may ask, all agree with the next allreduce.
struct Requests {
  bool not_finite = false, stop = false, time_limit = false, checkpoint = false;
};

enum class Placement { Sharded, Root };

class Sweep;

class Oracle {
 public:
  struct Setup {
    Index block_rows = 512;                 // of the rows as they are dealt out
    std::array<Index, 2> n_parts = {1, 1};  // Lower, Upper: blocks of a pass for each of those, a divisor of block_rows
    Index seed = 0;
    Index batch_lower = 0, batch_upper = 0;
    ExactSum::Kind sum = ExactSum::Kind::Exact;
    Placement placement = Placement::Sharded;
  };

  /// Values may be much larger than gradients (squares far from a solution): they are summed over a range larger by
  /// 2^this, to a resolution coarser by as much. A method that decides by values (bome with phi = "value") decides alike
  /// on any number of ranks only with exact sums.
  static constexpr int value_headroom = 20;

  Oracle(Problem& problem, Communicator& comm, const Setup& setup);

  /// Opens a sweep over the minibatch of step k. One sweep at a time.
  Sweep sweep(Vec& x, Index k);
  /// Opens a sweep over all rows.
  Sweep full_sweep(Vec& x);

  /// Sets the problem's own metrics, on rank 0. What they are made of is summed over all blocks of all levels as everything
  /// else is: the same bits on any number of ranks; not a number when one of the sums is not finite. Collective.
  void measure(Vec& x, const Vec& y, Metrics& metrics);
  /// x of the lower rows this rank owns, wherever it is stored; valid until the next sweep, or the next change of x.
  /// PerRow only. Collective.
  InSpan owned_x(const Vec& x);
  /// Reverses owned_x(): moves what the owners made for their rows to where x is stored. Collective.
  [[nodiscard]] Vec stored_x(Vec of_owned_rows) const;
  /// Runs `update` on every rank, without a message: of sums, which are the same on all ranks, by operations that IEEE 754
  /// defines to the bit (+ − × ÷ √, power()), so that its results are the same on all. Not for exp() and its like.
  template <class Update>
  void on_every_rank(Update&& update) {
    const Stopwatch watch(timings.update, Stage::Update);
    update();
  }
  /// Runs `update` on rank 0 and broadcasts the fields. Collective.
  template <class Update, class... Fields>
  void on_root(Update&& update, Fields&... fields) {
    const Stopwatch watch(timings.update, Stage::Update);
    comm_.on_root(update, fields...);
  }

  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] Problem& problem() const { return problem_; }
  [[nodiscard]] Communicator& comm() { return comm_; }
  [[nodiscard]] bool per_row() const { return problem_.x_layout() == XLayout::PerRow; }
  [[nodiscard]] Index n_lower_rows() const { return problem_.n_rows(Level::Lower); }
  /// Rows of a minibatch (of the first; later ones differ by less than a block).
  [[nodiscard]] Index n_rows_in_step(Level level, Index k = 0) {
    return minibatches_[static_cast<std::size_t>(level)].n_rows(k);
  }
  /// Returns the blocks of the minibatch of step k, ascending: all, or those whose rows this rank owns.
  [[nodiscard]] const std::vector<Index>& blocks_of_step(Level level, Index k) {
    return minibatches_[static_cast<std::size_t>(level)].blocks(k);
  }
  [[nodiscard]] std::vector<Index> own_blocks_of_step(Level level, Index k);
  [[nodiscard]] Range rows_of_block(Level level, Index block) const { return plan(level).rows(block); }
  /// Iterations in a pass over the lower rows.
  [[nodiscard]] Index iterations_per_pass() const { return minibatches_[0].steps_per_pass(); }
  /// Rows of per-row fields that each rank stores: its own blocks (sharded), or all on rank 0 (root).
  [[nodiscard]] const std::vector<Range>& stored_rows() const { return stored_rows_; }
  /// Returns the length of x in this rank's State.
  [[nodiscard]] Index stored_x_size() const;
  /// Returns the lower rows that this rank computes with.
  [[nodiscard]] Range owned_rows() const { return owned_rows_[static_cast<std::size_t>(comm_.rank())]; }
  /// Requests as agreed upon in all sweeps since they were last taken: a step may open several.
  [[nodiscard]] const Requests& agreed() const { return agreed_; }
  /// Hands them over to whoever acts on them.
  Requests take_requests() { return std::exchange(agreed_, {}); }
  /// For trials, whose numbers may become infinite.
  void forget_not_finite() { agreed_.not_finite = false; }
  /// Whether x per row is stored elsewhere than its rows.
  [[nodiscard]] bool is_remote() const { return per_row() && setup_.placement == Placement::Root && comm_.size() > 1; }

  std::function<Requests()> poll;           // asked on every rank before every allreduce; may be empty
  std::function<void(Real part)> progress;  // told what part of the models of labels is trained; may be empty
  Timings timings;
  Counts counts;  // since the start, as `timings`: the same on all ranks

 private:
  friend class Sweep;
  /// One of `quantities` at one probe: one block's share, reused, and where its sum stands in the message.
  struct Part {
    Vec share;
    Index size = 0, at = 0;
  };
  struct Request {
    Level level = Level::Lower;
    const Vec* y = nullptr;
    Vec v;            // scaled
    Real length = 1;  // a power of two that undoes that
    Want want = Want::Nothing;
    Real factor = 1;        // of its sums, but for the value
    std::size_t joins = 0;  // the request whose sums this one joins (itself: none)
    bool old_x = false;     // all of it, and of what joins it, is taken at the x before the step
    Result result;
    Index at_value = 0;  // in the message
    std::array<Part, quantities.size()> parts;
    TakePiece take_grad_y;  // adds to the message
  };
  enum class Step { None, Between, After };
  enum class Half { First, Second, Both };  // what is taken at x, at the stepped x

  Sweep open(Vec& x, Index k, bool full);
  std::size_t add_request(Level level, const Vec& y, Want want, const Vec* v);
  [[nodiscard]] std::size_t request_of(const Result& result) const;
  void run(const RowStep& row_step, Step when, bool again);
  [[nodiscard]] bool keeps_old_x() const;
  [[nodiscard]] Want want_in(const Request& request, Half half) const;
  void pass(Half half, const RowStep& row_step, Step when, bool again);
  void count(Half half);
  void find_columns(Half half);
  [[nodiscard]] bool marks_columns() const;  // before each pass, those that it reaches
  void mark_columns(Level level, std::span<std::uint64_t> reached);
  void lay_out(Half half);
  [[nodiscard]] bool open_level(Level level, Half half);
  void reset_shares(Level level, bool of_block, Range here);
  void add_blocks(Level level, Half half, const RowStep& row_step, Step when, bool again);
  void add_block(Level level, const Block& block, const RowStep& row_step, Step when);
  void add_once(Level level);
  void undo_scale(Range rows);
  /// Runs `work`; what it throws is told to all ranks with the next message, and until then nothing more is tried.
  template <class Work>
  void guarded(Work&& work) {
    try {
      if (!failure_) {
        work();
      }
    } catch (const Error& error) {
      failure_ = error;
    } catch (const std::exception& error) {
      failure_ = Error(ExitCode::Bug, error.what());
    }
  }
  void tally(OwnMetrics& own, Level level, const Vec& x, const Vec& y, Vec& share);
  [[nodiscard]] Columns columns() const;
  void expect(Level level, bool again);
  void announce(Level level);
  void allreduce();
  void add_shares();
  [[nodiscard]] bool wants(Level level, Half half) const;
  void mine_of(Level level, const std::vector<Index>& blocks, std::vector<Index>& mine) const;
  void add_row_sums(const RowSums& sums);
  void read_sums(Half half);
  void bring_x(const Vec& x);
  void step_rows_on_root(const RowStep& row_step);
  [[nodiscard]] Index n_parts(Level level) const;
  [[nodiscard]] BlockPlan plan(Level level) const;
  [[nodiscard]] Minibatches& batches(Level level);
  [[nodiscard]] Range owned(Level level) const;
  [[nodiscard]] OutSpan rows_of_x(Range rows);

  Problem& problem_;
  Visit visit_;
  Communicator& comm_;
  Setup setup_;
  std::vector<Range> owned_rows_, stored_rows_;
  std::array<Minibatches, 2> minibatches_, next_minibatches_, all_blocks_;  // Lower, Upper
  ExactSum message_;
  Requests agreed_;
  std::optional<Error> failure_;  // what the problem has thrown on this rank in the pass at hand
  // the sweep at hand
  Vec* x_ = nullptr;
  Vec x_here_;  // is_remote(): the rows of x that this rank computes with
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

/// The requests of one sweep and their results. References to results stay valid until the next sweep is opened.
class Sweep {
 public:
  /// @param v  direction of the products that are wanted; must stay until run()
  const Result& lower(const Vec& y, Want want, const Vec* v = nullptr) { return add(Level::Lower, y, want, v); }
  const Result& upper(const Vec& y, Want want, const Vec* v = nullptr) { return add(Level::Upper, y, want, v); }
  /// F at y: its gradients times `factor` are added to those of `into`, before rounding; products likewise.
  /// @return its value
  const Result& add_upper(const Vec& y, Want want, Real factor, const Result& into, const Vec* v = nullptr);
  /// Gradients and products to x are taken at x, those to y at the x that `row_step` leaves.
  void between_halves(RowStep row_step) { set_step(std::move(row_step), Oracle::Step::Between); }
  /// All is taken at x, then `row_step` steps it.
  void after(RowStep row_step) { set_step(std::move(row_step), Oracle::Step::After); }
  /// All of this result of the lower level, and of what joins it, is taken at the x before the step between the halves.
  void keep_old_x(const Result& result) { oracle_.requests_[oracle_.request_of(result)].old_x = true; }
  /// Multiplies the sums of this result by `factor`, before what joins them and before rounding; neither its value nor
  /// what it has for every row of x.
  void scale(const Result& result, Real factor) { oracle_.requests_[oracle_.request_of(result)].factor = factor; }
  /// Says that the next sweep will be over the same rows, so that rows on disk are read ahead in that order.
  void same_rows_next() { again_ = true; }
  /// Collective.
  void run() { oracle_.run(row_step_, when_, again_); }
  /// Global (Shared: on rank 0) after run().
  [[nodiscard]] const RowSums& row_sums() const { return oracle_.row_sums_; }

 private:
  friend class Oracle;
  explicit Sweep(Oracle& oracle) : oracle_(oracle) {}
  const Result& add(Level level, const Vec& y, Want want, const Vec* v) {
    return oracle_.requests_[oracle_.add_request(level, y, want, v)].result;
  }
  void set_step(RowStep row_step, Oracle::Step when) {
    row_step_ = std::move(row_step);
    when_ = when;
  }

  Oracle& oracle_;
  RowStep row_step_;
  Oracle::Step when_ = Oracle::Step::None;
  bool again_ = false;
};

}  // namespace meha
