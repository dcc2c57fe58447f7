// SPDX-License-Identifier: Apache-2.0
// result.json of a command on texts, which is kept up to date while the work goes on.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "host/generation/text_run.hpp"

namespace bitloom {

/// So a process that is killed leaves all but the last second of its work.
class ResultFile {
 public:
  /// `json` is the report as it stands. Without a directory, which prepare_directory has seen,
  /// nothing is written.
  ResultFile(std::optional<std::filesystem::path> directory, std::function<std::string()> json);

  /// Writes, at most once a second. What fails is noted on standard error, once: the work goes on.
  void update();

  /// Throws Error output_path.
  void write() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<std::filesystem::path> directory_;
  std::function<std::string()> json_;
  Clock::time_point next_ = Clock::now();
  bool failed_ = false;
};

/// Does the work between a first and a last report: the first says `interrupted`, so that nothing
/// older is taken for this run's, the last how it ended. What the work throws goes on; else throws
/// Error output_path when the first or the last cannot be written.
void complete(TextOutcome& outcome, const ResultFile& file, const std::function<void()>& work);

}  // namespace bitloom
