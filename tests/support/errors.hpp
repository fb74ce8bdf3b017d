// SPDX-License-Identifier: MIT
// Whether a piece of work ends in an Error with the right exit code and a message that says what it must.
#pragma once

#include "meha/core/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meha {

template <class Work>
testing::AssertionResult fails(Work&& work, ExitCode code, const std::vector<std::string>& said) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() != code) {
      return testing::AssertionFailure() << "exit code " << static_cast<int>(error.code()) << ": " << error.what();
    }
    for (const std::string& part : said) {
      if (std::string(error.what()).find(part) == std::string::npos) {
        return testing::AssertionFailure() << "\"" << error.what() << "\" does not say \"" << part << "\"";
      }
    }
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "no Error was thrown";
}

}  // namespace meha
