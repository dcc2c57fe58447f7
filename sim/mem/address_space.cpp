// SPDX-License-Identifier: Apache-2.0
#include "sim/mem/address_space.hpp"

#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace bitloom::sim {

void AddressSpace::map(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0 || address + (bytes - 1) < address)
    throw std::invalid_argument("a region is empty or wraps around the address space");
  if (bytes > kCapacity - mapped_)
    throw std::invalid_argument("the mapped regions exceed the capacity");
  const auto next = regions_.lower_bound(address);
  const bool reaches_next = next != regions_.end() && next->first - address < bytes;
  const bool starts_in_previous =
      next != regions_.begin() && address - std::prev(next)->first < std::prev(next)->second.bytes;
  if (reaches_next || starts_in_previous)
    throw std::invalid_argument("a region overlaps one that is mapped");

  // Large zeroed blocks come from the system as untouched pages: they are allocated on first write.
  auto* pages = static_cast<std::uint8_t*>(std::calloc(bytes, 1));
  if (pages == nullptr) throw std::bad_alloc();
  regions_.emplace(address, Region{bytes, std::unique_ptr<std::uint8_t[], Release>(pages)});
  mapped_ += bytes;
}

void AddressSpace::unmap(std::uint64_t address) {
  const auto region = regions_.find(address);
  if (region == regions_.end()) throw std::invalid_argument("no region starts at the address");
  mapped_ -= region->second.bytes;
  last_ = regions_.end();
  regions_.erase(region);
}

std::uint8_t* AddressSpace::find(std::uint64_t address, std::uint64_t bytes) const {
  const auto within = [&](Regions::const_iterator region) {
    const std::uint64_t offset = address - region->first;  // huge below the region
    return offset < region->second.bytes && bytes <= region->second.bytes - offset;
  };
  if (last_ == regions_.end() || !within(last_)) {
    auto region = regions_.upper_bound(address);
    if (region == regions_.begin() || !within(--region)) return nullptr;
    last_ = region;
  }
  return last_->second.pages.get() + (address - last_->first);
}

void AddressSpace::prefetch(std::uint64_t address, std::uint64_t bytes) const {
  constexpr std::uint64_t kLine = 64;
  const std::uint8_t* from = find(address, bytes);
  if (from == nullptr) return;
  for (std::uint64_t i = 0; i < bytes; i += kLine) __builtin_prefetch(from + i);
}

bool AddressSpace::read(std::uint64_t address, std::span<std::uint8_t> to) const {
  const std::uint8_t* from = find(address, to.size());
  if (from == nullptr) return false;
  std::memcpy(to.data(), from, to.size());
  return true;
}

bool AddressSpace::write(std::uint64_t address, std::span<const std::uint8_t> from) {
  std::uint8_t* to = find(address, from.size());
  if (to == nullptr) return false;
  std::memcpy(to, from.data(), from.size());
  return true;
}

bool AddressSpace::write(std::uint64_t address, std::span<const std::uint8_t> from,
                         std::span<const std::uint8_t> enables) {
  std::uint8_t* to = find(address, from.size());
  if (to == nullptr) return false;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (enables[i] != 0) to[i] = from[i];
  return true;
}

}  // namespace bitloom::sim
