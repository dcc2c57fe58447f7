// SPDX-License-Identifier: Apache-2.0
// The register map and the records: addresses and bytes worked out by hand from the JSON sources.
#include "sw/config/tables.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "gen/descriptor.hpp"
#include "gen/registers.hpp"

namespace bitloom {
namespace {

TEST_CASE("Registers lie one behind the other, wide ones on two words") {
  CHECK(kRegIdAddress == 0x000);
  CHECK(kRegIdReset == 0x4d4f4f4c);  // 'L' 'O' 'O' 'M' in memory order
  CHECK(kRegInterfaceRevisionReset == 2);
  CHECK(kRegConfigHashAddress == 0x008);
  CHECK(kRegControlAddress == 0x00c);
  CHECK(kRegControlClearCountersBit == 1);
  CHECK(kRegRingBaseAddress == 0x014);
  CHECK(kRegCompletionBaseAddress == 0x01c);
  CHECK(kRegRingMaskAddress == 0x024);
  CHECK(kRegDoorbellAddress == 0x028);
  CHECK(kRegCyclesBusyAddress == 0x038);
  CHECK(kRegBeatsCompletionsAddress == 0x090);
}

TEST_CASE("A descriptor's fields go to their bytes, lowest byte first") {
  Descriptor d;
  d.opcode = 1;
  d.has_offset = 1;
  d.interrupt = 1;
  d.bits = 2;
  d.planes = 8;
  d.tokens = 4;
  d.m = 0x11223344;
  d.k = 0x55667788;
  d.group_size = 0x100;
  d.rounding_exponent = 0xf1;
  d.weights_address = 0x0102030405060708;
  d.scales_address = 0x1112131415161718;
  d.activations_address = 0x2122232425262728;
  d.outputs_address = 0x3132333435363738;
  d.weights_stripe = 0x41424344;
  d.scales_stripe = 0x51525354;
  d.activations_stripe = 0x61626364;
  const RecordBytes expected = {0x01, 0x0a, 0x82, 0x04, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66,
                                0x55, 0x00, 0x01, 0xf1, 0x00, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03,
                                0x02, 0x01, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x28,
                                0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, 0x38, 0x37, 0x36, 0x35,
                                0x34, 0x33, 0x32, 0x31, 0x44, 0x43, 0x42, 0x41, 0x54, 0x53, 0x52,
                                0x51, 0x64, 0x63, 0x62, 0x61};  // the reserved word is 0
  CHECK(encode(d) == expected);
}

TEST_CASE("A value that does not fit into its field is refused") {
  Descriptor d;
  d.tokens = 31;
  CHECK_NOTHROW(encode(d));
  d.tokens = 32;
  CHECK_THROWS_AS(encode(d), std::out_of_range);
}

TEST_CASE("A completion record is read from its bytes") {
  RecordBytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const CompletionRecord c = decode_completion(bytes);
  CHECK(c.status == 0x00);
  CHECK(c.stream == 0x01);
  CHECK(c.nan_tokens == 0x0302);
  CHECK(c.index == 0x07060504);
  CHECK(c.fault_address == 0x0f0e0d0c0b0a0908);
  CHECK(c.cycles_busy == 0x13121110);
  CHECK(c.cycles_output == 0x17161514);
  CHECK(c.cycles_activations == 0x1b1a1918);
  CHECK(c.cycles_scales == 0x1f1e1d1c);
  CHECK(c.cycles_weights == 0x23222120);
  CHECK(c.cycles_control == 0x27262524);
  CHECK(c.beats_weights == 0x2b2a2928);
  CHECK(c.beats_scales == 0x2f2e2d2c);
  CHECK(c.beats_activations == 0x33323130);
  CHECK(c.beats_descriptors == 0x37363534);
  CHECK(c.beats_outputs == 0x3b3a3938);
  CHECK(c.beats_completions == 0x3f3e3d3c);
}

TEST_CASE("Every status code has its own text, and so does an unknown one") {
  std::set<std::string_view> texts;
  for (std::uint32_t status = 0; status <= 12; ++status)
    CHECK(texts.insert(status_text(status)).second);
  CHECK(status_text(0) == "The results are in memory.");
  CHECK(status_text(0xff) == status_text(12));
}

TEST_CASE("Overlapping fields in the sources are refused") {
  CHECK_THROWS_WITH(parse_descriptor(R"({"descriptor": [
      {"name": "a", "word": 0, "bit": 0, "width": 9, "doc": ""},
      {"name": "b", "word": 0, "bit": 8, "width": 1, "doc": ""}], "completion": [],
      "status_codes": []})"),
                    "descriptor.b: bit 8 is taken or beyond 512 bits");
}

TEST_CASE("Fields beyond a register or record are refused") {
  CHECK_THROWS_WITH(parse_descriptor(R"({"descriptor": [], "completion": [
      {"name": "a", "word": 15, "wide": true, "doc": ""}], "status_codes": []})"),
                    "completion.a: bit 512 is taken or beyond 512 bits");
  CHECK_THROWS_WITH(parse_registers(R"({"registers": [{"name": "r", "access": "rw", "doc": "",
      "fields": [{"name": "f", "bit": 31, "width": 2, "doc": ""}]}]})"),
                    "r.f: bit 32 is taken or beyond 32 bits");
}

}  // namespace
}  // namespace bitloom
