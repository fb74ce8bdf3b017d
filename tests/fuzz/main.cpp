// SPDX-License-Identifier: MIT
// fuzz TARGET [EXECUTIONS [SEED]]: reads the target's seeds and random changes of them, with any compiler.
// fuzz TARGET FILE…: reads these inputs. An input that breaks the reader is kept as finding-TARGET.
#include <execinfo.h>
#include <fcntl.h>
#include <mpi.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "fuzz/target.hpp"

namespace {

constexpr std::size_t largest_input = 1 << 15;
constexpr std::size_t largest_allocation = std::size_t{64}
                                           << 20;  // a gzipped input unfolds to 1032 times its size at most
constexpr unsigned patience_s = 20;
constexpr rlim_t patience_with_library_s = 1;  // of processor time

std::string input;     // the one being read
std::string findings;  // file to keep it in

/// Without memory of its own: the heap may be broken.
void keep_input() {
  const int file = open(findings.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) {
    [[maybe_unused]] const auto written = write(file, input.data(), input.size());
    close(file);
  }
}

[[noreturn]] void end_with(const std::string& complaint) {
  keep_input();
  std::cerr << complaint << "\nthe input is in " << findings << std::endl;
  std::_Exit(1);
}

extern "C" void on_signal(int signal) {
  std::signal(signal, SIG_DFL);
  void* frames[40];
  backtrace_symbols_fd(frames, backtrace(frames, 40), 2);
  keep_input();
  std::fprintf(stderr, "signal %d (%s); the input is in %s\n", signal, signal == SIGALRM ? "too slow" : "crash",
               findings.c_str());
  std::_Exit(1);
}

constexpr std::array deadly = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};

enum class End { Whole, Finding, Death };

/// How the work ends, in a process of its own.
template <class Work>
End end_of(Work&& work) {
  const pid_t process = fork();
  if (process == 0) {
    for (const int signal : deadly) {
      std::signal(signal, SIG_DFL);
    }
    const rlimit seconds{.rlim_cur = patience_with_library_s, .rlim_max = patience_with_library_s};
    setrlimit(RLIMIT_CPU, &seconds);
    if (freopen("/dev/null", "w", stderr) == nullptr) {  // libc tells of broken heaps
      std::_Exit(2);
    }
    work();
    std::_Exit(0);
  }
  int status = 0;
  waitpid(process, &status, 0);
  return !WIFEXITED(status) ? End::Death : WEXITSTATUS(status) == 0 ? End::Whole : End::Finding;
}

/// A seed, changed in a few places as files are damaged and as people err.
class Mutator {
 public:
  Mutator(const meha::fuzz::Target& target, unsigned seed)
      : seeds_(target.seeds()), words_(target.words), random_(seed) {}

  [[nodiscard]] std::string next() {
    std::string text = some(seeds_);
    for (std::size_t n = 1 + below(1U << below(5)); n > 0; --n) {
      change(text);
    }
    text.resize(std::min(text.size(), largest_input));
    return text;
  }
  [[nodiscard]] const std::vector<std::string>& seeds() const { return seeds_; }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  const std::string& some(const std::vector<std::string>& list) { return list[below(list.size())]; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(text.size() - at, 1U << below(8)) + 1);
    switch (below(9)) {
      case 0:
        text.resize(at);
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.insert(at, some(words_));
        break;
      case 4:
        text.replace(at, length, some(words_));
        break;
      case 5: {
        const std::string& other = some(seeds_);
        const std::size_t from = below(other.size());
        text.replace(at, length, other.substr(from, length));
        break;
      }
      case 6:
        text.insert(at, 1, static_cast<char>(random_()));
        break;
      default:
        if (at < text.size()) {
          constexpr unsigned char extremes[] = {0, 1, 0x7f, 0x80, 0xff, '0', '9', '-', ' '};
          const auto byte = static_cast<unsigned char>(text[at]);
          text[at] = static_cast<char>(below(2) == 0 ? byte ^ (1U << below(8)) : extremes[below(sizeof extremes)]);
        }
    }
  }

  std::vector<std::string> seeds_, words_;
  std::mt19937 random_;
};

void read(const meha::fuzz::Target& target) {
  alarm(patience_s);
  if (const std::string complaint = complaint_of(target, input); !complaint.empty()) {
    end_with(complaint);
  }
}

/// Reads changed seeds.
void fuzz(const meha::fuzz::Target& target, Mutator& mutator, long n_executions) {
  for (long done = 0; done < n_executions; ++done) {
    input = mutator.next();
    read(target);
  }
}

/// The same where a library may crash: some inputs at a time in a process of their own, and when that does not end well
/// each alone. @return how many the library crashes on, or finds no end of, as the probe does
long fuzz_probed(const meha::fuzz::Target& target, Mutator& mutator, long n_executions) {
  constexpr long at_once = 40;
  long n_refused = 0;
  std::vector<std::string> inputs;
  for (long done = 0; done < n_executions; done += at_once) {
    inputs.clear();
    while (std::ssize(inputs) < std::min(at_once, n_executions - done)) {
      inputs.push_back(mutator.next());
    }
    const auto read_all = [&](std::span<const std::string> some) {
      return end_of([&] {
        for (const std::string& one : some) {
          input = one;
          read(target);
        }
      });
    };
    if (read_all(inputs) == End::Whole) {
      continue;
    }
    for (const std::string& one : inputs) {
      const End end = read_all({&one, 1});
      input = one;
      if (end == End::Finding) {
        end_with("a finding: read the input alone to see which");
      }
      if (end == End::Death && end_of([&] { target.probe(one); }) == End::Whole) {
        end_with("a crash, or no end, where the probe comes through");
      }
      n_refused += end == End::Death ? 1 : 0;
    }
  }
  return n_refused;
}

}  // namespace

/// Fails where a reader asks for more than its input can justify.
void* operator new(std::size_t size) {
  if (size > largest_allocation) {
    end_with("allocation of " + std::to_string(size) + " bytes");
  }
  if (void* room = std::malloc(size != 0 ? size : 1)) {
    return room;
  }
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return size > largest_allocation ? nullptr : std::malloc(size != 0 ? size : 1);
}
void operator delete(void* room) noexcept {
  std::free(room);
}
void operator delete(void* room, std::size_t /*size*/) noexcept {
  std::free(room);
}

int main(int argc, char** argv) {
  const meha::fuzz::Target& target = meha::fuzz::target_of(argc > 1 ? argv[1] : "");
  findings = std::string("finding-") + target.name;
  (void)target.seeds();  // MPI sets handlers of its own when it starts
  for (const int signal : deadly) {
    std::signal(signal, on_signal);
  }
  char* end = nullptr;
  const long n_executions = argc > 2 ? std::strtol(argv[2], &end, 10) : 10000;
  if (argc <= 2 || *end == '\0') {
    const unsigned seed = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1;
    const auto start = std::chrono::steady_clock::now();
    Mutator mutator(target, seed);
    for (const std::string& right : mutator.seeds()) {
      input = right;
      try {
        target.read(input);
      } catch (const std::exception& error) {
        end_with(std::string("a seed is refused: ") + error.what());
      }
    }
    long n_refused = 0;
    if (target.probe != nullptr) {
      n_refused = fuzz_probed(target, mutator, n_executions);
    } else {
      fuzz(target, mutator, n_executions);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    std::printf("%-8s %ld executions, %.1f s, no finding", target.name, n_executions, time.count());
    if (n_refused > 0) {
      std::printf("; %ld inputs that the probe refuses", n_refused);
    }
    std::printf("\n");
    if (int started = 0; MPI_Initialized(&started) == MPI_SUCCESS && started != 0) {
      MPI_Finalize();
    }
    return 0;
  }
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    input.assign(std::istreambuf_iterator<char>(file), {});
    read(target);
    std::printf("%s: no finding\n", argv[i]);
  }
  return 0;
}
