// SPDX-License-Identifier: MIT
// fuzz TARGET [EXECUTIONS [SEED]]: reads the target's seeds and random changes of them, with any compiler.
// fuzz TARGET FILE…: reads these inputs. An input that breaks the reader is kept as finding-TARGET.
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <mpi.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <new>
#include <random>
#include <string_view>

#include "fuzz/target.hpp"

namespace {

constexpr std::size_t largest_input = 1 << 15;
constexpr std::size_t largest_allocation = std::size_t{64}
                                           << 20;  // a gzipped input unfolds to 1032 times its size at most
constexpr unsigned patience_s = 20, patience_with_library_s = 5;  // it may look for its end for ever

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

constexpr int library_crashed = 99;
bool may_crash = false;  // inside of libhdf5

/// Whether an address lies in a shared library of this name.
bool is_in(const void* address, std::string_view library) {
  Dl_info info{};
  return dladdr(address, &info) != 0 && info.dli_fname != nullptr &&
         std::string_view(info.dli_fname).find(library) != std::string_view::npos;
}

/// Whether the frames below this handler's are HDF5's, or malloc's that has found the heap broken (abort() called from
/// within libc). Our own code breaks no heap: it is read under the address sanitizer too, which says so where it happens.
bool is_fault_of_library(int signal, void* const* frames, int n) {
  constexpr int caller_of_abort = 5;
  return std::any_of(frames + std::min(n, 2), frames + std::min(n, 8),
                     [](void* frame) { return is_in(frame, "libhdf5"); }) ||
         (signal == SIGABRT && n > caller_of_abort && is_in(frames[caller_of_abort], "libc.so"));
}

extern "C" void on_signal(int signal) {
  void* frames[40];
  const int n = backtrace(frames, 40);
  if (may_crash && is_fault_of_library(signal, frames, n)) {
    std::_Exit(library_crashed);
  }
  std::signal(signal, SIG_DFL);
  backtrace_symbols_fd(frames, n, 2);
  keep_input();
  std::fprintf(stderr, "signal %d (%s); the input is in %s\n", signal, signal == SIGALRM ? "too slow" : "crash",
               findings.c_str());
  std::_Exit(1);
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
  alarm(may_crash ? patience_with_library_s : patience_s);
  if (const std::string complaint = complaint_of(target, input); !complaint.empty()) {
    end_with(complaint);
  }
}

/// Reads changed seeds. @param done  counts them
void fuzz(const meha::fuzz::Target& target, long n_executions, unsigned seed, long& done) {
  Mutator mutator(target, seed);
  for (const std::string& right : mutator.seeds()) {
    input = right;
    try {
      target.read(input);
    } catch (const std::exception& error) {
      end_with(std::string("a seed is refused: ") + error.what());
    }
  }
  while (done < n_executions) {
    input = mutator.next();
    ++done;
    read(target);
  }
}

/// The same in processes of its own, one after every crash of the library. @return how many those were
long fuzz_crashing(const meha::fuzz::Target& target, long n_executions, unsigned seed, long& done) {
  for (long n_crashes = 0;; ++n_crashes) {
    const pid_t child = fork();
    if (child == 0) {
      may_crash = true;
      fuzz(target, n_executions, seed + static_cast<unsigned>(n_crashes), done);
      std::_Exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      return n_crashes;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != library_crashed) {
      std::_Exit(1);
    }
  }
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
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) {
    std::signal(signal, on_signal);
  }
  char* end = nullptr;
  const long n_executions = argc > 2 ? std::strtol(argv[2], &end, 10) : 10000;
  if (argc <= 2 || *end == '\0') {
    const unsigned seed = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1;
    const auto start = std::chrono::steady_clock::now();
    auto& done =
        *static_cast<long*>(mmap(nullptr, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    long n_crashes = 0;
    if (std::string_view(target.name) == "rows") {
      n_crashes = fuzz_crashing(target, n_executions, seed, done);
    } else {
      fuzz(target, n_executions, seed, done);
    }
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    std::printf("%-8s %ld executions, %.1f s, no finding", target.name, done, time.count());
    if (n_crashes > 0) {
      std::printf("; %ld crashes inside of HDF5's library", n_crashes);
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
