// SPDX-License-Identifier: MIT
#include "meha/core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <system_error>

#include "support/errors.hpp"

namespace meha {
namespace {

TEST(Error, CarriesTheExitCodesThatScriptsRelyOn) {
  EXPECT_EQ(static_cast<int>(ExitCode::Config), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::Data), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::NotFinite), 4);
  EXPECT_EQ(static_cast<int>(ExitCode::Checkpoint), 5);
  EXPECT_EQ(static_cast<int>(ExitCode::Bug), 70);
  EXPECT_EQ(static_cast<int>(ExitCode::Watchdog), 71);
  EXPECT_EQ(static_cast<int>(ExitCode::Stopped), 75);
  EXPECT_EQ(Error(ExitCode::Data, "why").code(), ExitCode::Data);
}

TEST(Error, RequireThrowsOurFault) {
  EXPECT_NO_THROW(require(true, "rule"));
  EXPECT_TRUE(fails([] { require(false, "two is two"); }, ExitCode::Bug,
                    {"internal error", "two is two", "error_test.cpp:" + std::to_string(__LINE__ - 1)}));
}

TEST(Error, ExceptionsOfTheStandardLibraryBecomeWords) {
  const auto fact = [](const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + " " + error.what();
  };
  EXPECT_EQ(fact(as_error(Error(ExitCode::Data, "a.gz: is missing"))), "3 a.gz: is missing");
  EXPECT_EQ(fact(as_error(std::bad_alloc())), "70 out of memory; meha plan says what a run takes");
  const std::filesystem::filesystem_error refused("status", "run", std::make_error_code(std::errc::permission_denied));
  EXPECT_EQ(fact(as_error(refused)), "5 run: Permission denied");
  const std::system_error no_thread(std::make_error_code(std::errc::resource_unavailable_try_again));
  EXPECT_THAT(fact(as_error(no_thread)), testing::StartsWith("70 the system refused a resource: Resource temporarily"));
  EXPECT_EQ(fact(as_error(std::runtime_error("else"))), "70 else");
}

}  // namespace
}  // namespace meha
