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

}  // namespace
}  // namespace bitloom::sim
