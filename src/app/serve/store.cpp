// SPDX-License-Identifier: MIT
#include "store.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "meha/core/error.hpp"

namespace meha {
namespace {

using Json = nlohmann::json;

constexpr std::array state_names = {"queued", "running", "stopping", "stopped", "finished", "failed", "deleting"};
constexpr int layout = 2;  // of the tables
constexpr int wait_ms = 10000;

constexpr const char* tables =
    "CREATE TABLE IF NOT EXISTS jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, words TEXT NOT NULL,"
    " settings TEXT NOT NULL, ranks INTEGER NOT NULL, priority INTEGER NOT NULL, iterations INTEGER NOT NULL,"
    " state INTEGER NOT NULL, code INTEGER, message TEXT NOT NULL, created REAL NOT NULL, started REAL NOT NULL,"
    " ended REAL NOT NULL, starts INTEGER NOT NULL, lost INTEGER NOT NULL, pid INTEGER NOT NULL,"
    " pid_ticks INTEGER NOT NULL, request_key TEXT UNIQUE, request_hash TEXT, place TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs(state, priority, id);";

constexpr const char* columns =
    "name, words, settings, ranks, priority, iterations, state, code, message, created, started, ended, starts, lost, "
    "pid, pid_ticks, place";
constexpr int n_columns = 17;

[[noreturn]] void fail(sqlite3* database, const std::string& what) {
  throw Error(ExitCode::Checkpoint, "the database of the jobs: " + what + ": " + sqlite3_errmsg(database));
}

void execute(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(database, "cannot be prepared");
  }
}

}  // namespace

std::string_view name(JobState state) {
  return state_names.at(static_cast<std::size_t>(state));
}

std::optional<JobState> job_state_of(std::string_view name) {
  const auto* const at = std::ranges::find(state_names, name);
  return at == state_names.end() || name == "deleting" ? std::nullopt
                                                       : std::optional(static_cast<JobState>(at - state_names.begin()));
}

/// One SQL statement. Values are bound, never part of its text.
class JobStore::Statement {
 public:
  Statement(sqlite3* database, const std::string& sql) : database_(database) {
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
      fail(database, "cannot be asked");
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(const std::string& text) {
    sqlite3_bind_text(statement_, ++n_bound_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(std::int64_t number) {
    sqlite3_bind_int64(statement_, ++n_bound_, number);
    return *this;
  }
  Statement& bind(JobState state) { return bind(static_cast<std::int64_t>(state)); }
  Statement& bind(double number) {
    sqlite3_bind_double(statement_, ++n_bound_, number);
    return *this;
  }
  Statement& bind_nothing() {
    ++n_bound_;
    return *this;
  }
  /// Binds the columns of `columns`.
  Statement& bind(const JobRecord& job) {
    bind(job.name).bind(Json(job.words).dump()).bind(Json(job.settings).dump());
    bind(job.ranks).bind(job.priority).bind(job.iterations).bind(job.state);
    (job.code ? bind(static_cast<std::int64_t>(*job.code)) : bind_nothing()).bind(job.message);
    bind(job.created).bind(job.started).bind(job.ended).bind(job.starts).bind(job.lost);
    return bind(job.pid).bind(job.pid_ticks).bind(job.place);
  }
  /// @return whether there is a further row
  bool step() {
    const int result = sqlite3_step(statement_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) {
      fail(database_, "cannot be read or written");
    }
    return result == SQLITE_ROW;
  }
  [[nodiscard]] bool is_null(int i) const { return sqlite3_column_type(statement_, i) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t number(int i) const { return sqlite3_column_int64(statement_, i); }
  [[nodiscard]] double real(int i) const { return sqlite3_column_double(statement_, i); }
  [[nodiscard]] std::string text(int i) const {
    const auto* const begin = reinterpret_cast<const char*>(sqlite3_column_text(statement_, i));
    return begin == nullptr ? "" : std::string(begin, static_cast<std::size_t>(sqlite3_column_bytes(statement_, i)));
  }
  /// Reads `columns`, and the number behind them.
  [[nodiscard]] JobRecord job() const {
    JobRecord job{.id = number(n_columns), .name = text(0)};
    job.words = Json::parse(text(1)).get<std::vector<std::string>>();
    job.settings = Json::parse(text(2)).get<std::vector<std::string>>();
    job.ranks = number(3);
    job.priority = number(4);
    job.iterations = number(5);
    job.state = static_cast<JobState>(number(6));
    job.code = is_null(7) ? std::nullopt : std::optional(static_cast<int>(number(7)));
    job.message = text(8);
    job.created = real(9);
    job.started = real(10);
    job.ended = real(11);
    job.starts = number(12);
    job.lost = number(13);
    job.pid = number(14);
    job.pid_ticks = number(15);
    job.place = text(16);
    return job;
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
  int n_bound_ = 0;
};

void JobStore::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

JobStore::JobStore(const std::string& file) {
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(file.c_str(), &database,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(database);
  if (result != SQLITE_OK) {
    fail(database, file + " cannot be opened");
  }
  sqlite3_busy_timeout(database, wait_ms);
  execute(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024;");
  Statement version(database, "PRAGMA user_version");
  version.step();
  if (version.number(0) > layout) {
    throw Error(ExitCode::Checkpoint, file + ": was written by a later version of meha, which this one cannot read");
  }
  if (version.number(0) == 1) {
    execute(database, "ALTER TABLE jobs ADD COLUMN place TEXT NOT NULL DEFAULT ''; PRAGMA user_version=2");
  }
  execute(database, tables);
  execute(database, "PRAGMA user_version=2");
}

JobStore::~JobStore() = default;

Index JobStore::add(const JobRecord& job, const RequestKey& key) {
  const std::scoped_lock lock(mutex_);
  std::string places = "?";
  for (int i = 1; i < n_columns + 2; ++i) {
    places += ",?";
  }
  Statement insert(database_.get(),
                   std::string("INSERT INTO jobs(") + columns + ", request_key, request_hash) VALUES(" + places + ")");
  insert.bind(job);
  (key.key.empty() ? insert.bind_nothing() : insert.bind(key.key)).bind(key.hash);
  insert.step();
  return sqlite3_last_insert_rowid(database_.get());
}

std::optional<std::pair<Index, std::string>> JobStore::made_by(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(), "SELECT id, request_hash FROM jobs WHERE request_key = ?");
  return query.bind(key).step() ? std::optional(std::pair(query.number(0), query.text(1))) : std::nullopt;
}

void JobStore::put(const JobRecord& job) {
  const std::scoped_lock lock(mutex_);
  Statement update(
      database_.get(),
      "UPDATE jobs SET name=?, words=?, settings=?, ranks=?, priority=?, iterations=?, state=?, code=?, "
      "message=?, created=?, started=?, ended=?, starts=?, lost=?, pid=?, pid_ticks=?, place=? WHERE id=?");
  update.bind(job).bind(job.id).step();
}

void JobStore::remove(Index id) {
  const std::scoped_lock lock(mutex_);
  Statement(database_.get(), "DELETE FROM jobs WHERE id=?").bind(id).step();
}

std::vector<JobRecord> JobStore::read(Statement& statement) {
  std::vector<JobRecord> jobs;
  while (statement.step()) {
    jobs.push_back(statement.job());
  }
  return jobs;
}

std::optional<JobRecord> JobStore::get(Index id) {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(), std::string("SELECT ") + columns + ", id FROM jobs WHERE id=?");
  return query.bind(id).step() ? std::optional(query.job()) : std::nullopt;
}

std::vector<JobRecord> JobStore::in_state(JobState state) {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(), std::string("SELECT ") + columns + ", id FROM jobs WHERE state=?");
  return read(query.bind(state));
}

std::vector<JobRecord> JobStore::waiting(Index most) {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(), std::string("SELECT ") + columns +
                                       ", id FROM jobs WHERE state=? AND place='' ORDER BY priority DESC, id LIMIT ?");
  return read(query.bind(JobState::Queued).bind(most));
}

std::vector<JobRecord> JobStore::in_hand() {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(),
                  std::string("SELECT ") + columns + ", id FROM jobs WHERE state IN (?, ?) OR (state=? AND place<>'')");
  return read(query.bind(JobState::Running).bind(JobState::Stopping).bind(JobState::Queued));
}

std::vector<JobRecord> JobStore::list(std::optional<JobState> state, Index before, Index most) {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(), std::string("SELECT ") + columns + ", id FROM jobs WHERE (?1 < 0 OR state = ?1)" +
                                       " AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3");
  query.bind(state ? static_cast<std::int64_t>(*state) : -1).bind(before).bind(most);
  return read(query);
}

std::map<JobState, Index> JobStore::counts() {
  const std::scoped_lock lock(mutex_);
  Statement query(database_.get(), "SELECT state, count(*) FROM jobs GROUP BY state");
  std::map<JobState, Index> counts;
  while (query.step()) {
    counts[static_cast<JobState>(query.number(0))] = query.number(1);
  }
  return counts;
}

}  // namespace meha
