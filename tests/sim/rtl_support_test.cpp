// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/rtl_support.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "sw/config/config.hpp"

namespace bitloom {
namespace {

// A call that `tiny` runs.
RtlRequest small_request() { return {.layer = "small", .m = 64, .k = 256, .bits = 2}; }

Error refusal_of(const Config& config, const RtlRequest& request) {
  const std::optional<Error> error = rtl_refusal(config, request);
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::layer_limit);
  CHECK(error->parts().place == "layer small");
  return *error;
}

TEST_CASE("A call within the limits is not refused, at the limits neither, in either mode") {
  const Config config = load_config("tiny");
  CHECK_FALSE(rtl_refusal(config, small_request()));
  RtlRequest largest = small_request();
  largest.m = 4096;
  largest.k = 4096;
  largest.bits = 8;
  CHECK_FALSE(rtl_refusal(config, largest));
  largest.mode = Mode::codebook;
  largest.bits = 4;
  CHECK_FALSE(rtl_refusal(config, largest));
}

TEST_CASE("Narrow accumulators and several read channels are configurations like any other") {
  for (const std::string& name : configuration_names())
    CHECK_FALSE(rtl_refusal(load_config(name), small_request()));
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
  SECTION("precision of a codebook") {
    request.mode = Mode::codebook;
    request.bits = 5;
    found = "codebook precision = 5";
    expected = "at most 4 (max_codebook_bits of configuration tiny)";
  }
  const Error error = refusal_of(load_config("tiny"), request);
  CHECK(error.parts().found == found);
  CHECK(error.parts().expected == expected);
}

TEST_CASE("Each mode has its own limit of the precision") {
  Config config = load_config("tiny");
  config.hardware.max_bits = 2;
  config.hardware.max_codebook_bits = 3;
  RtlRequest request = small_request();
  request.bits = 3;
  CHECK(rtl_refusal(config, request));
  request.mode = Mode::codebook;
  CHECK_FALSE(rtl_refusal(config, request));
  config.hardware.max_codebook_bits = 0;  // the mode is left out
  request.bits = 1;
  CHECK(refusal_of(config, request).parts().expected ==
        "at most 0 (max_codebook_bits of configuration tiny)");
}

TEST_CASE("Advice names the configurations that run the call, and no other") {
  const Config tiny = load_config("tiny");
  RtlRequest request = small_request();
  request.k = 16384;
  CHECK(refusal_of(tiny, request).parts().advice ==
        "Named configurations that can run it: edge, server.");
  request.k = 16385;
  CHECK(refusal_of(tiny, request).parts().advice ==
        "Named configurations that can run it: server.");
  request.k = 49153;
  CHECK(refusal_of(load_config("server"), request).parts().advice ==
        "No named configuration can run it; raise max_k in a file.");

  RtlRequest codebook = small_request();
  codebook.mode = Mode::codebook;
  codebook.bits = 4;
  Config without = tiny;
  without.hardware.max_codebook_bits = 0;
  CHECK(refusal_of(without, codebook).parts().advice ==
        "Named configurations that can run it: edge, server, tiny, tiny-acc48, tiny-mb24, "
        "tiny-mb8.");
  codebook.bits = 5;  // no file may say more than 4
  CHECK(refusal_of(tiny, codebook).parts().advice ==
        "No hardware can run it; use the golden, cpu or cuda backend.");
}

}  // namespace
}  // namespace bitloom
