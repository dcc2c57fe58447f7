// SPDX-License-Identifier: Apache-2.0
// The bytes behind all memory ports: one flat 64-bit address space of mapped regions. Timing is not
// its concern (memory.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>

namespace bitloom::sim {

class AddressSpace {
 public:
  /// The most bytes that may be mapped at once. A region's pages cost host memory only once they
  /// are written, so this bounds what broken hardware can make the host allocate.
  static constexpr std::uint64_t kCapacity = std::uint64_t{16} << 30;

  /// Makes [address, address + bytes) accessible; it reads as zeros. Throws std::invalid_argument
  /// when the region is empty, wraps, overlaps a mapped one or exceeds the capacity.
  void map(std::uint64_t address, std::uint64_t bytes);

  /// Removes the region that starts at `address`; throws std::invalid_argument when none does.
  void unmap(std::uint64_t address);

  /// True when all of [address, address + bytes) lies in one region.
  [[nodiscard]] bool contains(std::uint64_t address, std::uint64_t bytes) const {
    return find(address, bytes) != nullptr;
  }

  /// Brings bytes that will be read into the host's caches, where they are mapped.
  void prefetch(std::uint64_t address, std::uint64_t bytes) const;

  /// Copies bytes out; false, and `to` untouched, when they are not all in one region.
  [[nodiscard]] bool read(std::uint64_t address, std::span<std::uint8_t> to) const;

  /// Copies bytes in; false, and nothing written, when they are not all in one region.
  bool write(std::uint64_t address, std::span<const std::uint8_t> from);

  /// As above, but only the bytes whose enable is not 0; `enables` has the size of `from`.
  bool write(std::uint64_t address, std::span<const std::uint8_t> from,
             std::span<const std::uint8_t> enables);

 private:
  struct Release {
    void operator()(std::uint8_t* pages) const { std::free(pages); }
  };
  struct Region {
    std::uint64_t bytes;
    std::unique_ptr<std::uint8_t[], Release> pages;
  };

  using Regions = std::map<std::uint64_t, Region>;

  [[nodiscard]] std::uint8_t* find(std::uint64_t address, std::uint64_t bytes) const;

  Regions regions_;
  mutable Regions::const_iterator last_ = regions_.end();  // found last: mostly the next one too
  std::uint64_t mapped_ = 0;
};

}  // namespace bitloom::sim
