// SPDX-License-Identifier: Apache-2.0
// The register map of docs/registers.md, address by address.
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/ctrl/machine.hpp"

namespace {

using namespace bitloom::rtl;

using Machine = Surroundings<Tiny>;

struct Register {
  unsigned address;
  std::uint32_t reset;
  std::uint32_t writable;  // mask of the bits that keep what is written
};

constexpr unsigned kFirstCounter = 0x038;
constexpr unsigned kBeats = 0x068;
constexpr unsigned kEnd = 0x098;

const std::vector<Register> kReadOnly{
    {0x000, 0x4D4F4F4C, 0}, {0x004, 2, 0}, {0x008, 0x12345678, 0}, {0x010, 0, 0}, {0x02C, 0, 0}};
const std::vector<Register> kWritable{
    {kControl, 0, 0x1},         {0x014, 0, 0xFFFFFFC0}, {0x018, 0, 0xFFFFFFFF},
    {0x01C, 0, 0xFFFFFFC0},     {0x020, 0, 0xFFFFFFFF}, {0x024, 0, 0x0000FFFF},
    {kDoorbell, 0, 0xFFFFFFFF}, {kIrqEnable, 0, 0x1},   {kIrqStatus, 0, 0}};

std::vector<Register> read_only() {
  std::vector<Register> all = kReadOnly;
  for (unsigned address = kFirstCounter; address < kEnd; address += 4)
    all.push_back({address, 0, 0});
  return all;
}

}  // namespace

TEST_CASE("Every register has its reset value") {
  Machine machine;
  for (const auto& registers : {read_only(), kWritable}) {
    for (const Register& reg : registers) {
      CAPTURE(reg.address);
      const ReadAnswer answer = machine.read(reg.address);
      CHECK(answer.response == kOkay);
      CHECK(answer.data == reg.reset);
    }
  }
}

TEST_CASE("Writable registers keep what is written to them and disturb no other") {
  Machine machine;
  machine.ready_percent = 0;  // the machine may start, its surroundings do not answer
  for (const Register& reg : kWritable) {
    const std::uint32_t value = 0xA5C30001U + 0x01010100U * reg.address;
    CHECK(machine.write(reg.address, value) == kOkay);
  }
  for (const Register& reg : kWritable) {
    CAPTURE(reg.address);
    const std::uint32_t value = 0xA5C30001U + 0x01010100U * reg.address;
    CHECK(machine.read(reg.address).data == (value & reg.writable));
  }
}

TEST_CASE("Writes to read-only registers get SLVERR and change nothing") {
  Machine machine;
  for (const Register& reg : read_only()) {
    CAPTURE(reg.address);
    CHECK(machine.write(reg.address, 0xFFFFFFFF) == kSlaveError);
    CHECK(machine.read(reg.address).data == reg.reset);
  }
  for (const Register& reg : kWritable) CHECK(machine.read(reg.address).data == reg.reset);
}

TEST_CASE("Unmapped and unaligned addresses get SLVERR for reads and writes") {
  Machine machine;
  for (const unsigned address :
       {kEnd, 0x09CU, 0x100U, 0x7FCU, 0xFFCU, 0x001U, 0x00DU, 0x02AU, 0x039U}) {
    CAPTURE(address);
    CHECK(machine.read(address).response == kSlaveError);
    CHECK(machine.write(address, 0xFFFFFFFF) == kSlaveError);
  }
  for (const Register& reg : kWritable) CHECK(machine.read(reg.address).data == reg.reset);
}

TEST_CASE("Partial writes get SLVERR and change nothing") {
  Machine machine;
  for (unsigned strobes = 0; strobes < 15; ++strobes) {
    CHECK(machine.write(0x014, 0xFFFFFFFF, strobes) == kSlaveError);
  }
  CHECK(machine.read(0x014).data == 0);
}

TEST_CASE("A write is answered two cycles after address and data are both there, in any order") {
  for (const bool address_first : {true, false}) {
    Machine machine;
    machine->ctl_awaddr_i = 0x014;
    machine->ctl_wdata_i = 0x1240;
    machine->ctl_wstrb_i = 0xF;
    // Readiness does not wait for any valid.
    machine.bench().settle();
    CHECK(machine->ctl_awready_o == 1);
    CHECK(machine->ctl_wready_o == 1);
    machine->ctl_awvalid_i = address_first;
    machine->ctl_wvalid_i = !address_first;
    machine.step();
    machine->ctl_awvalid_i = 0;
    machine->ctl_wvalid_i = 0;
    for (unsigned i = 0; i < 3; ++i) {
      CHECK(machine->ctl_awready_o == !address_first);
      CHECK(machine->ctl_wready_o == address_first);
      machine.step();
      CHECK(machine->ctl_bvalid_o == 0);
    }
    machine->ctl_awvalid_i = !address_first;
    machine->ctl_wvalid_i = address_first;
    machine.step();
    machine->ctl_awvalid_i = 0;
    machine->ctl_wvalid_i = 0;
    CHECK(machine->ctl_bvalid_o == 0);
    machine.step();
    CHECK(machine->ctl_bvalid_o == 1);
    // A second write waits until the response is taken.
    machine->ctl_awvalid_i = 1;
    machine->ctl_wvalid_i = 1;
    machine->ctl_wdata_i = 0x5640;
    machine.step();
    machine->ctl_awvalid_i = 0;
    machine->ctl_wvalid_i = 0;
    machine.step();
    CHECK(machine->ctl_awready_o == 0);
    CHECK(machine->ctl_wready_o == 0);
    machine->ctl_bready_i = 1;
    machine.step();
    CHECK(machine->ctl_bvalid_o == 0);
    machine.step();
    CHECK(machine->ctl_bvalid_o == 1);
    machine.step();
    CHECK(machine.read(0x014).data == 0x5640);
  }
}

TEST_CASE("A read is answered the cycle after its address and holds its data until it is taken") {
  Machine machine;
  machine->ctl_araddr_i = 0x000;
  machine->ctl_arvalid_i = 1;
  machine.bench().settle();
  CHECK(machine->ctl_arready_o == 1);
  machine.step();
  machine->ctl_araddr_i = 0x004;
  for (unsigned i = 0; i < 4; ++i) {
    machine.bench().settle();
    CHECK(machine->ctl_rvalid_o == 1);
    CHECK(machine->ctl_rdata_o == 0x4D4F4F4C);
    CHECK(machine->ctl_arready_o == 0);
    machine.step();
  }
  machine->ctl_rready_i = 1;
  machine.step();
  CHECK(machine->ctl_rvalid_o == 0);
}

TEST_CASE("Counters count causes between doorbell and completion, and beats always") {
  Machine machine;
  const auto counter = [&](unsigned index) { return machine.read(kFirstCounter + 8 * index).data; };
  machine->cause_i = 0;
  for (unsigned i = 0; i < 10; ++i) machine.step();
  CHECK(counter(0) == 0);  // idle cycles have no cause
  for (unsigned stream = 0; stream < 6; ++stream) {
    machine->beats_i = std::uint64_t{63 - stream} << (6 * stream);
    for (unsigned i = 0; i <= stream; ++i) machine.step();
  }
  machine->beats_i = 0;
  for (unsigned stream = 0; stream < 6; ++stream) {
    CHECK(machine.read(kBeats + 8 * stream).data == (stream + 1) * (63 - stream));
  }
  // A doorbell while disabled: every cycle counts from here, under its cause.
  machine->cause_i = 5;
  REQUIRE(machine.write(kDoorbell, 1) == kOkay);
  const unsigned started = machine.bench().cycle();
  for (unsigned cause = 0; cause < 5; ++cause) {
    machine->cause_i = static_cast<CData>(cause);
    for (unsigned i = 0; i < 10 * (cause + 1); ++i) machine.step();
  }
  machine->cause_i = 5;
  for (unsigned cause = 0; cause < 5; ++cause) CHECK(counter(cause) == 10 * (cause + 1));
  const unsigned control = counter(5);
  // counter() reads itself: address in the cycle before the answer.
  CHECK(control + 150 >= machine.bench().cycle() - started - 4);
  CHECK(control + 150 <= machine.bench().cycle() - started + 2);
}

TEST_CASE("Clearing sets all counters to zero; the bit itself reads as zero") {
  Machine machine;
  machine->beats_i = 0xFFFFFFFFFU;  // 63 of every stream
  for (unsigned i = 0; i < 20; ++i) machine.step();
  machine->beats_i = 0;
  CHECK(machine.read(kBeats).data == 1260);
  CHECK(machine.read(kBeats + 40).data == 1260);
  REQUIRE(machine.write(kControl, 2) == kOkay);
  for (unsigned address = kFirstCounter; address < kEnd; address += 4) {
    CHECK(machine.read(address).data == 0);
  }
  CHECK(machine.read(kControl).data == 0);
  // A pulse, not a state.
  machine->beats_i = 1;
  machine.step();
  machine->beats_i = 0;
  CHECK(machine.read(kBeats).data == 1);
}
