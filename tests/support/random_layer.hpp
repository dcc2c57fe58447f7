// SPDX-License-Identifier: Apache-2.0
// Seeded random layer calls over every mode of the arithmetic contract, aimed at its corners, and
// the count of which corners a campaign has hit.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gen/config.hpp"
#include "sw/layer/layer.hpp"

namespace bitloom {

/// What the device under test supports; the default is the whole contract on small shapes.
struct CaseLimits {
  std::uint32_t max_m = 24;
  std::uint32_t max_k = 700;
  std::uint32_t max_tokens = 4;
  unsigned max_bits = 8;           ///< BCQ
  unsigned max_codebook_bits = 8;  ///< 0 leaves codebook mode out
  std::vector<std::uint32_t> group_sizes = {0, 32, 64, 128, 256};
  std::vector<unsigned> mantissa_bits = {8,  9,  10, 11, 12, 13, 14, 15, 16,
                                         17, 18, 19, 20, 21, 22, 23, 24};
  bool narrow_accumulators = true;
  bool binary16_output = true;
  std::optional<Accumulator> accumulator;  ///< of every case, where a machine has only this one
  /// The machine's array, where there is one: what layers ask of it is counted as well.
  std::optional<HardwareConfig> hardware;
};

/// The limits of a machine, with layers of at most max_m x max_k.
CaseLimits machine_limits(const HardwareConfig& hardware, std::uint32_t max_m, std::uint32_t max_k);

/// One layer call with all of its parameters. Besides `bits` the layer may serve other precisions,
/// and its plane bits at k >= K are random: neither may change a result.
struct RandomCase {
  std::uint64_t seed = 0;
  Layer layer;
  unsigned bits = 1;
  Activations acts;
  Arithmetic arithmetic;
  OutputFormat format = OutputFormat::binary32;
};

/// The same case for the same seed and limits, on every machine.
RandomCase make_random_case(std::uint64_t seed, const CaseLimits& limits);

/// One line: seed, shape and parameters.
std::string describe(const RandomCase& random_case);

/// How often each feature was hit. Features are read off the cases and results themselves, not off
/// the generator's intentions; a feature that the limits admit is a row even when nothing hit it.
class Coverage {
 public:
  explicit Coverage(const CaseLimits& limits);

  /// `y` are the results of the case.
  void add(const RandomCase& random_case, const Outputs& y);

  /// Cases by feature.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  void print(std::ostream& out) const;

  /// Throws std::runtime_error that names all rows with fewer than `minimum` cases.
  void require(std::uint64_t minimum) const;

 private:
  CaseLimits limits_;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace bitloom
