// SPDX-License-Identifier: Apache-2.0
#include "sw/io/folder_lock.hpp"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/sw/io/io_test_support.hpp"

using namespace bitloom;

TEST_CASE("a locked folder is made, held alone, and removed when it is empty") {
  const ScratchFolder scratch;
  const auto folder = scratch.path("work");
  const auto busy = [&] {
    const Error error = error_of([&] { const FolderLock second(folder); });
    CHECK(error.code() == ErrorCode::output_busy);
    CHECK(error.parts().place == folder.string());
  };
  {
    const FolderLock lock(folder);
    CHECK(std::filesystem::is_directory(folder));
    busy();
    busy();  // the one that was refused has removed nothing
  }
  CHECK_FALSE(std::filesystem::exists(folder));
  { const FolderLock again(folder); }
  std::filesystem::create_directory(folder);
  write_bytes(folder / "kept", "");
  { const FolderLock of_another_run(folder); }
  CHECK(std::filesystem::exists(folder / "kept"));
}

TEST_CASE("a folder that can be neither made nor opened is no output path") {
  const ScratchFolder scratch;
  std::filesystem::create_symlink(scratch.path("nothing"), scratch.path("link"));
  for (const char* name : {"none/work", "link"}) {
    const Error error = error_of([&] { const FolderLock lock(scratch.path(name)); });
    CHECK(error.code() == ErrorCode::output_path);
    CHECK(error.parts().place == scratch.path(name).string());
  }
}

TEST_CASE("who opens a folder that its holder then removes does not hold it") {
  const ScratchFolder scratch;
  const auto folder = scratch.path("work");
  std::atomic<int> holders = 0;
  std::atomic<int> wrong = 0;
  std::atomic<int> held = 0;
  const auto work = [&] {
    for (int i = 0; i < 2000; ++i) {
      try {
        const FolderLock lock(folder);
        if (++holders != 1 || !std::filesystem::exists(folder)) ++wrong;
        ++held;
        --holders;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::output_busy) ++wrong;
      }
    }
  };
  std::array<std::thread, 3> threads;
  for (std::thread& thread : threads) thread = std::thread(work);
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(held > 0);
  CHECK_FALSE(std::filesystem::exists(folder));
}
