// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/rtl_support.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "sw/config/config.hpp"

namespace bitloom {
namespace {

using Catch::Matchers::Contains;

// A call that `tiny` runs.
RtlRequest small_request() {
  return {.layer = "small", .m = 64, .k = 256, .group_size = 128, .bits = 2};
}

Error refusal_of(const std::string& config, const RtlRequest& request) {
  const std::optional<Error> error = rtl_refusal(load_config(config), request);
  REQUIRE(error);
  return *error;
}

TEST_CASE("A call within the limits is not refused, at the limits neither") {
  const Config config = load_config("tiny");
  CHECK_FALSE(rtl_refusal(config));
  CHECK_FALSE(rtl_refusal(config, small_request()));
  RtlRequest largest = small_request();
  largest.m = 4096;
  largest.k = 4096;
  largest.bits = 8;
  CHECK_FALSE(rtl_refusal(config, largest));
}

TEST_CASE("What no configuration of the RTL runs is unsupported, whatever its size") {
  RtlRequest request = small_request();
  std::string reason;
  SECTION("codebooks") {
    request.mode = Mode::codebook;
    reason = "codebook mode";
  }
  SECTION("other group sizes") {
    request.group_size = 64;
    reason = "group size 64";
  }
  SECTION("one group per row") {
    request.group_size = 0;
    reason = "group size 0";
  }
  SECTION("binary16 results") {
    request.format = OutputFormat::binary16;
    reason = "binary16";
  }
  request.k = 1U << 20;
  for (const char* config : {"tiny", "server"}) {
    const Error error = refusal_of(config, request);
    CHECK(error.code() == ErrorCode::rtl_unsupported);
    CHECK_THAT(error.parts().found, Contains(reason));
    CHECK(error.parts().advice == "Use the golden, cpu or cuda backend.");
  }
}

TEST_CASE("K, M and the precision have a limit each, which the message names with both numbers") {
  RtlRequest request = small_request();
  std::string found;
  std::string expected;
  SECTION("K") {
    request.k = 4097;
    found = "K = 4097";
    expected = "at most 4096 (max_k of configuration tiny)";
  }
  SECTION("M") {
    request.m = 4097;
    found = "M = 4097";
    expected = "at most 4096 (max_m of configuration tiny)";
  }
  SECTION("precision") {
    request.bits = 9;
    found = "precision = 9";
    expected = "at most 8 (max_bits of configuration tiny)";
  }
  const Error error = refusal_of("tiny", request);
  CHECK(error.code() == ErrorCode::layer_limit);
  CHECK(error.parts().found == found);
  CHECK(error.parts().expected == expected);
}

TEST_CASE("A configuration that the RTL does not implement is refused with and without a layer") {
  for (const auto& [name, reason] :
       {std::pair{"server", "read_channels = 16"}, std::pair{"tiny-acc48", "accumulator = 48"}}) {
    const std::optional<Error> alone = rtl_refusal(load_config(name));
    REQUIRE(alone);
    CHECK(alone->code() == ErrorCode::rtl_unsupported);
    CHECK(alone->parts().found == reason);
    CHECK_THAT(alone->parts().advice, Contains("edge"));
    CHECK(refusal_of(name, small_request()).parts().found == reason);
  }
}

TEST_CASE("Advice names the configurations that run the call, and no other") {
  RtlRequest request = small_request();
  request.k = 16384;  // beyond tiny; within edge and server, which the RTL does not implement
  CHECK(refusal_of("tiny", request).parts().advice ==
        "Named configurations that can run it: edge.");
  CHECK(refusal_of("server", request).parts().advice ==
        "Named configurations that can run it: edge.");
  request.k = 16385;
  CHECK(refusal_of("edge", request).parts().advice ==
        "No named configuration can run it; raise max_k in a file.");
}

}  // namespace
}  // namespace bitloom
