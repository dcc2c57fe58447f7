// SPDX-License-Identifier: Apache-2.0
#include "host/cli/result_file.hpp"

#include <exception>
#include <iostream>
#include <utility>

#include "sw/error/error.hpp"
#include "sw/io/file.hpp"

namespace bitloom {

ResultFile::ResultFile(std::optional<std::filesystem::path> directory,
                       std::function<std::string()> json)
    : directory_(std::move(directory)), json_(std::move(json)) {}

void ResultFile::update() {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::seconds(1);
  try {
    write();
  } catch (const Error& error) {
    if (!std::exchange(failed_, true))
      std::cerr << "bitloom: note: not written meanwhile: " << error.what() << "\n";
  }
}

void ResultFile::write() const {
  if (!directory_) return;
  OutputFile file(*directory_ / "result.json");
  file.write(json_());
  file.commit();
}

void complete(TextOutcome& outcome, const ResultFile& file, const std::function<void()>& work) {
  const auto fail = [&](const std::string& error) {
    outcome = {TextState::failed, error};
    try {
      file.write();
    } catch (const Error& second) {
      std::cerr << format_error("bitloom", second) << "\n";
    }
  };
  file.write();
  try {
    work();
  } catch (const Error& error) {
    fail(format_error("bitloom", error));
    throw;
  } catch (const std::exception& error) {
    fail(error.what());
    throw;
  }
  outcome.state = TextState::complete;
  file.write();
}

}  // namespace bitloom
