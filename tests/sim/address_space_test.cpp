// SPDX-License-Identifier: Apache-2.0
#include "sim/mem/address_space.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <stdexcept>

namespace bitloom::sim {
namespace {

using Bytes = std::array<std::uint8_t, 4>;

TEST_CASE("A mapped region reads as zeros and keeps what is written") {
  AddressSpace space;
  space.map(0x1000, 16);
  Bytes found{9, 9, 9, 9};
  CHECK(space.read(0x100C, found));
  CHECK(found == Bytes{0, 0, 0, 0});
  CHECK(space.write(0x100C, Bytes{1, 2, 3, 4}));
  CHECK(space.read(0x100C, found));
  CHECK(found == Bytes{1, 2, 3, 4});
}

TEST_CASE("An access that is not inside one region fails and changes nothing") {
  AddressSpace space;
  space.map(0x1000, 16);
  space.map(0x1010, 16);
  Bytes found{9, 9, 9, 9};
  for (const std::uint64_t address :
       {0xFFFULL, 0xFFCULL, 0x100DULL, 0x101DULL, 0x1020ULL, 0ULL, 0xFFFFFFFFFFFFFFFEULL}) {
    CAPTURE(address);
    CHECK_FALSE(space.contains(address, 4));
    CHECK_FALSE(space.read(address, found));
    CHECK_FALSE(space.write(address, Bytes{1, 2, 3, 4}));
  }
  CHECK(found == Bytes{9, 9, 9, 9});
  CHECK(space.read(0x100C, found));
  CHECK(found == Bytes{0, 0, 0, 0});
  CHECK(space.read(0x1010, found));
  CHECK(found == Bytes{0, 0, 0, 0});
}

TEST_CASE("Byte enables choose what a write changes") {
  AddressSpace space;
  space.map(0, 4);
  CHECK(space.write(0, Bytes{1, 2, 3, 4}));
  CHECK(space.write(0, Bytes{5, 6, 7, 8}, Bytes{0, 0xFF, 0, 0xFF}));
  Bytes found{};
  CHECK(space.read(0, found));
  CHECK(found == Bytes{1, 6, 3, 8});
}

TEST_CASE("Regions that are empty, wrap, overlap or exceed the capacity are refused") {
  AddressSpace space;
  space.map(0x1000, 0x1000);
  CHECK_THROWS_AS(space.map(0x5000, 0), std::invalid_argument);
  CHECK_THROWS_AS(space.map(0xFFFFFFFFFFFFF000U, 0x1001), std::invalid_argument);
  CHECK_THROWS_AS(space.map(0x0FFF, 2), std::invalid_argument);
  CHECK_THROWS_AS(space.map(0x1FFF, 1), std::invalid_argument);
  CHECK_THROWS_AS(space.map(0x1800, 8), std::invalid_argument);
  CHECK_THROWS_AS(space.map(0x10000, AddressSpace::kCapacity), std::invalid_argument);
  CHECK_NOTHROW(space.map(0x2000, 1));
  CHECK_NOTHROW(space.map(0x0FFF, 1));
}

TEST_CASE("An unmapped region is gone and its place can be mapped again, zeroed") {
  AddressSpace space;
  space.map(0x1000, 4);
  CHECK(space.write(0x1000, Bytes{1, 2, 3, 4}));
  CHECK_THROWS_AS(space.unmap(0x1001), std::invalid_argument);
  space.unmap(0x1000);
  CHECK_FALSE(space.contains(0x1000, 1));
  space.map(0x1000, 4);
  Bytes found{9, 9, 9, 9};
  CHECK(space.read(0x1000, found));
  CHECK(found == Bytes{0, 0, 0, 0});
}

TEST_CASE("A write with byte enables that is not inside one region changes nothing") {
  AddressSpace space;
  space.map(0x1000, 4);
  CHECK_FALSE(space.write(0x0FFE, Bytes{1, 2, 3, 4}, Bytes{0xFF, 0xFF, 0xFF, 0xFF}));
  CHECK_FALSE(space.write(0x1002, Bytes{1, 2, 3, 4}, Bytes{0xFF, 0xFF, 0, 0}));
  Bytes found{9, 9, 9, 9};
  CHECK(space.read(0x1000, found));
  CHECK(found == Bytes{0, 0, 0, 0});
}

TEST_CASE("The region that was accessed last may go, and so may another one") {
  AddressSpace space;
  for (const std::uint64_t address : {0x1000U, 0x2000U, 0x3000U}) {
    space.map(address, 4);
    const auto first = static_cast<std::uint8_t>(address >> 12);
    CHECK(space.write(address, Bytes{first, 0, 0, 0}));
  }
  Bytes found{};
  CHECK(space.read(0x2000, found));
  space.unmap(0x2000);
  CHECK_FALSE(space.contains(0x2000, 1));
  CHECK(space.read(0x3000, found));
  CHECK(found[0] == 3);
  space.unmap(0x1000);
  CHECK(space.read(0x3000, found));
  CHECK(found[0] == 3);
  CHECK_FALSE(space.contains(0x1000, 1));
}

TEST_CASE("The capacity is that of all regions together, and an unmapped one gives its part back") {
  AddressSpace space;
  constexpr std::uint64_t kPart = AddressSpace::kCapacity / 16;
  for (std::uint64_t i = 0; i < 16; ++i) CHECK_NOTHROW(space.map(i * 2 * kPart, kPart));
  CHECK_THROWS_AS(space.map(kPart, 1), std::invalid_argument);
  space.unmap(0);
  CHECK_NOTHROW(space.map(kPart, kPart));
  CHECK_THROWS_AS(space.map(0, 1), std::invalid_argument);
}

TEST_CASE("The last byte of the address space can be mapped") {
  AddressSpace space;
  space.map(0xFFFFFFFFFFFFF000U, 0x1000);
  CHECK(space.contains(0xFFFFFFFFFFFFFFFFU, 1));
  CHECK_FALSE(space.contains(0xFFFFFFFFFFFFFFFFU, 2));
  CHECK_FALSE(space.contains(0, 1));
}

TEST_CASE("Bytes that are not mapped can be prefetched like any other") {
  AddressSpace space;
  space.map(0x1000, 256);
  CHECK_NOTHROW(space.prefetch(0x1000, 256));
  CHECK_NOTHROW(space.prefetch(0x10F0, 256));
  CHECK_NOTHROW(space.prefetch(0x9000, 64));
}

}  // namespace
}  // namespace bitloom::sim
