// SPDX-License-Identifier: MIT
// What a problem may offer besides its mathematics. Each capability is a class of its own: a problem that has it derives
// from Problem and from the class, and returns itself from the member of Problem that asks for it.
//   Provenance      what its numbers depend on that no config says     Problem::provenance
//   RowReader       rows that are read while a run goes on             Problem::row_reader
//   ColumnPasses    passes over a few columns of y                     Problem::column_passes
//   OwnMetrics      metrics of its own                                 Problem::own_metrics
//   SearchSpace     values of x worth a trial                          Problem::search_space
//   DoubtfulLabels  labels that may be wrong, and models of them       Problem::doubtful_labels
// No member is collective, unless it says so. Spans are valid during the call.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meha/core/error.hpp"
#include "meha/core/metric.hpp"
#include "meha/core/option.hpp"
#include "meha/problem/problem.hpp"

namespace meha {

/// What the bits of a run depend on besides its config and the instruction set. A run is resumed only where these are the
/// same.
class Provenance {
 public:
  /// Returns a text that identifies the data, the same on all ranks; empty when there are none.
  [[nodiscard]] virtual std::string data_fingerprint() const { return {}; }
  /// Returns what this rank computes with, such as a BLAS library and the processor it found; empty when there is nothing
  /// to say. Ranks whose texts differ end the job.
  [[nodiscard]] virtual std::string arithmetic() const { return {}; }
  /// Returns on rank 0 what features were made of, as JSON (data/columns.hpp); empty where files hold features.
  [[nodiscard]] virtual std::string columns_of_files() const { return {}; }

 protected:
  ~Provenance() = default;
};

/// Rows that are read while a run goes on.
class RowReader {
 public:
  /// Returns lines for people: which rows there are and what was made of their files (on rank 0), and where this rank's
  /// rows are kept.
  [[nodiscard]] virtual std::string description() const = 0;
  /// Announces, before a pass, the blocks of this rank that will be asked for, in order: those of the pass and some that
  /// are likely to come next. A problem whose rows are on disk reads them ahead. Others may come all the same.
  virtual void expect(Level level, std::span<const Index> blocks) = 0;
  /// Returns what has gone wrong on this rank since the start, such as rows that could not be read: the shares are worthless
  /// then, and all ranks end with this error at the next sum.
  [[nodiscard]] virtual std::optional<Error> failure() const = 0;

 protected:
  ~RowReader() = default;
};

/// How y stands in columns: an array of n_numbers rows and n_columns columns (row-major), and a rest.
struct Columns {
  Index n_columns = 0;  // 0: y does not stand in columns
  Index n_numbers = 0;  // of a column
  bool all = false;     // add_whole() reaches them all
};

/// Passes over a few columns of y. Where a block's rows reach few of the columns, a pass is over those that its blocks reach,
/// so that its cost grows with these, not with n_y.
class ColumnPasses {
 public:
  [[nodiscard]] virtual Columns columns() const = 0;
  /// Sets the bits of the columns in which gradients of these rows may differ from 0. @param rows  of one block
  /// @param bits  (n_columns bits in words of 64), added to
  virtual void mark_columns(Level level, Range rows, std::span<std::uint64_t> bits) const = 0;
  /// Does what Problem::begin_pass() does for a pass over these columns. Probes have all of y; shares are packed
  /// (Share::columns). @param columns  ascending, not empty
  virtual void begin_pass_in(Level level, std::span<const Probe> probes, std::span<const Index> columns) = 0;

 protected:
  ~ColumnPasses() = default;
};

/// Lists the bits that are set among the first n, ascending. @param numbers  set
void list_bits(std::span<const std::uint64_t> bits, Index n, std::vector<Index>& numbers);

/// Metrics of the problem's own, which its entry in the table of problems names. Numbers are tallied over all blocks of all
/// levels and summed exactly, and rank 0 makes metrics of the sums.
class OwnMetrics {
 public:
  [[nodiscard]] virtual Index n_tallies() const { return 0; }
  /// Adds one block's numbers: counts, or shares of means. Without tallies it need not do anything.
  /// @param x  as for Problem::add()     @param tallies  (n_tallies), all 0
  virtual void tally(Level level, const Block& block, InSpan x, InSpan y, OutSpan tallies);
  /// Sets the metrics that have a meaning, on rank 0. @param tallies  (n_tallies), the sums     @param x  PerRow: empty
  virtual void measure(InSpan tallies, In x, In y, Metrics& metrics) const = 0;

 protected:
  ~OwnMetrics() = default;
};

/// Values of x that are worth a trial of a random search (solver/random_search.hpp). Shared only.
class SearchSpace {
 public:
  /// Maps u to an x. @param u  (n_x) of [0, 1]: from the weakest to the strongest x_j worth a trial, scaled so that a uniform
  /// u is a sensible prior     @param x  (n_x), set
  virtual void search_point(InSpan u, Out x) const = 0;

 protected:
  ~SearchSpace() = default;
};

/// For problems with a SearchSpace.
struct SearchOptions {
  Real random_search = 0;

  void each(auto&& see) {
    see(OptionInfo{"problem.random_search", Rule::at_least(0), OnResume::Free,
                   "after the run, search x at random for this many times its passes over rows; 0: no search"},
        random_search);
  }
};

/// What a random search measures.
inline constexpr std::array search_metrics = {
    MetricInfo{"solved_upper_value", "F for the run's x, with the lower level solved as in the random search"},
    MetricInfo{"search_upper_value",
               "least F of a random search over x (problem.random_search times the run's passes)"},
    MetricInfo{"search_shared_upper_value", "… among the trials with one number for all entries of x"},
    MetricInfo{"search_test_accuracy", "test_accuracy of the search's best trial"},
    MetricInfo{"search_test_error", "test_error of the search's best trial"},
    MetricInfo{"search_trials", "trials of the random search"}};

class CrossFit;

/// Labels of the lower rows that may be wrong, one x per row, and models of what they should be.
class DoubtfulLabels {
 public:
  /// Returns the models; their labels() are those of the rows owned here. They stay the problem's, and must not be used while
  /// a pass of the problem is going on.
  [[nodiscard]] virtual CrossFit& cross_fit() = 0;
  /// Returns whether no rows are trusted beforehand: then F is of those rows of Level::Lower that trust() names, of all of
  /// them before it is called.
  [[nodiscard]] virtual bool trusts_surest() const = 0;
  /// Names the rows that F is to be of. Every rank calls it for its own rows.
  /// @param rows  1 for each row owned here that F is to be of     @param n_in_all  how many on all ranks, above 0
  /// Errors: Error(Bug) unless trusts_surest().
  virtual void trust(std::vector<std::uint8_t> rows, Index n_in_all) = 0;

 protected:
  ~DoubtfulLabels() = default;
};

class Problem;

/// Returns the text that identifies the problem's data; empty when there are none.
std::string fingerprint_of(Problem& problem);

}  // namespace meha
