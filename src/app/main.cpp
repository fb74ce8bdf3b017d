// SPDX-License-Identifier: MIT
#include "meha/app/program.hpp"

int main(int argc, char** argv) {
  return meha::program(argc, argv);
}
