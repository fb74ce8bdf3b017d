// SPDX-License-Identifier: MIT
#include "meha/core/memory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "support/scratch.hpp"

namespace meha {
namespace {

constexpr Index mib = 1 << 20;

/// A machine with 1,000 MiB available.
class SpareMemory : public testing::Test {
 protected:
  SpareMemory() { put("proc/meminfo", "MemTotal:  2048000 kB\nMemAvailable:    1024000 kB\n"); }

  void put(const std::string& name, const std::string& text) {
    const auto path = std::filesystem::path(root_.file("machine")) / name;
    std::filesystem::create_directories(path.parent_path());
    write_file(path.string(), text);
  }
  [[nodiscard]] Index spare() const { return spare_memory(root_.file("machine")); }

  Scratch root_;
};

TEST_F(SpareMemory, IsWhatLinuxCallsAvailable) {
  EXPECT_EQ(spare(), 1000 * mib);
  put("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(spare(), 1000 * mib);
}

TEST_F(SpareMemory, IsUnknownWhereNothingSaysIt) {
  EXPECT_EQ(spare_memory(root_.file("nothing")), std::numeric_limits<Index>::max());
}

TEST_F(SpareMemory, IsLimitedByEveryGroupAbove) {
  put("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  put("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
  put("sys/fs/cgroup/slurm/job_7/memory.max", std::to_string(600 * mib) + "\n");
  put("sys/fs/cgroup/slurm/job_7/memory.current", std::to_string(250 * mib) + "\n");
  EXPECT_EQ(spare(), 350 * mib);
  put("sys/fs/cgroup/slurm/job_7/memory.stat",
      "anon 1\ninactive_file " + std::to_string(30 * mib) + "\nactive_file " + std::to_string(20 * mib) + "\n");
  EXPECT_EQ(spare(), 400 * mib);
}

TEST_F(SpareMemory, KnowsTheFirstVersionOfGroups) {
  put("proc/self/cgroup", "9:cpuset,memory:/job\n3:cpu:/other\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", std::to_string(100 * mib) + "\n");
  put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", std::to_string(120 * mib) + "\n");
  EXPECT_EQ(spare(), 0);
  put("sys/fs/cgroup/memory/job/memory.stat",
      "inactive_file 5\ntotal_inactive_file " + std::to_string(60 * mib) + "\n");
  EXPECT_EQ(spare(), 40 * mib);
}

}  // namespace
}  // namespace meha
