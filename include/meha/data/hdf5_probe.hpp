// SPDX-License-Identifier: MIT
// HDF5's library (1.10) crashes on some damaged files. The program has files that others wrote opened by a process of
// its own first, itself started once more, so that such a file is an error like any other.
#pragma once

#include <string>
#include <vector>

namespace meha {

/// From now on expect_sound_hdf5() starts this very program with these arguments and a path; it must end with 0 where
/// the file can be opened and read without a crash, whatever else is wrong with it.
void probe_hdf5_files_with(std::vector<std::string> arguments);

/// Opens a file of rows and reads the first and the last, in that process. Returns normally for any file that the library
/// survives, valid or not.
void probe_hdf5(const std::string& path);

/// Errors: Error(Data) when opening the file crashes, or computes for 5 s. Does nothing in programs that do not probe.
/// @param path  empty: none
void expect_sound_hdf5(const std::string& path);

}  // namespace meha
