// SPDX-License-Identifier: Apache-2.0
// The command end to end: files in, files and exit codes out. Expected values are worked out by
// hand.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/host/command.hpp"

namespace {

using namespace host_test;
using Json = nlohmann::json;

constexpr std::uint16_t kOne = 0x3C00;
constexpr std::uint16_t kTwo = 0x4000;
constexpr std::uint16_t kHalf = 0x3800;
constexpr std::uint16_t kNan = 0x7E00;

// Two rows of 128 columns, one group, at 1 and 2 bits. Row 0 is all +1 in both planes, row 1 all
// -1; alphas 2 and 1 at 2 bits (1 at 1 bit), beta 0.5. With x = 1 in column 0 and 2 in column 1,
// sum x = 3: row 0 gives 3 * 3 + 0.5 * 3 = 10.5, row 1 gives -9 + 1.5 = -7.5; at 1 bit 4.5 and
// -1.5.
void write_layer(const std::filesystem::path& path, std::uint16_t alpha = kTwo) {
  const std::string ones(16, '\xFF');
  const std::string zeros(16, '\0');
  write_file(path,
             {{"bitloom.format", "1"},
              {"fc.group_size", "128"},
              {"fc.in_features", "128"},
              {"fc.mode", "bcq"}},
             {{"fc.planes", "U8", {2, 2, 16}, ones + zeros + ones + zeros},
              {"fc.alpha.1", "F16", {2, 1, 1}, half_bytes({kOne, kOne})},
              {"fc.beta.1", "F16", {2, 1}, half_bytes({kHalf, kHalf})},
              {"fc.alpha.2", "F16", {2, 1, 2}, half_bytes({alpha, kOne, kTwo, kOne})},
              {"fc.beta.2", "F16", {2, 1}, half_bytes({kHalf, kHalf})}});
}

void write_acts(const std::filesystem::path& path, std::uint64_t tokens = 1,
                std::uint64_t columns = 128) {
  std::vector<std::uint16_t> x(tokens * columns, 0);
  for (std::uint64_t token = 0; token < tokens; ++token) {
    x[token * columns] = kOne;
    x[token * columns + 1] = kTwo;
  }
  write_file(path, {{"bitloom.format", "1"}}, {{"x", "F16", {tokens, columns}, half_bytes(x)}});
}

// The data of the one tensor of a file: what follows the header.
std::string data_of(const std::filesystem::path& path) {
  const std::string file = read_text(path);
  std::uint64_t length = 0;
  for (unsigned i = 0; i < 8; ++i)
    length |= static_cast<std::uint64_t>(static_cast<unsigned char>(file.at(i))) << (8 * i);
  return file.substr(8 + length);
}

// A run on a scratch folder's files; options given later replace these.
struct Run {
  Scratch scratch;
  std::map<std::string, std::string> options;

  Run() {
    write_layer(scratch / "w.safetensors");
    write_acts(scratch / "x.safetensors");
    options = {{"--weights", (scratch / "w.safetensors").string()},
               {"--layer", "fc"},
               {"--acts", (scratch / "x.safetensors").string()},
               {"--bits", "2"},
               {"--backend", "cpu"},
               {"--config", "tiny"},
               {"--out", (scratch / "y.safetensors").string()}};
  }

  [[nodiscard]] Outcome operator()() const {
    std::vector<std::string> arguments = {"run"};
    for (const auto& [name, value] : options) {
      arguments.push_back(name);
      arguments.push_back(value);
    }
    return bitloom(arguments);
  }

  [[nodiscard]] Json result() const { return Json::parse(read_text(scratch / "result.json")); }
};

// The outcome is bad input with this code, and the message has all of these parts.
void check_refused(const Outcome& outcome, const std::string& code,
                   const std::vector<std::string>& parts) {
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find("error " + code + ":") != std::string::npos);
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  for (const std::string& part : parts) {
    CAPTURE(part);
    CHECK(outcome.err.find(part) != std::string::npos);
  }
}

TEST_CASE("Every backend without a simulator gives the outputs worked out by hand") {
  for (const char* backend : {"golden", "cpu", "cuda"}) {
    Run run;
    run.options["--backend"] = backend;
    run.options["--check"] = "golden,cuda";
    const Outcome outcome = run();
    CAPTURE(backend, outcome.err);
    REQUIRE(outcome.exit_code == 0);
    CHECK(data_of(run.scratch / "y.safetensors") == std::string("\0\0\x28\x41\0\0\xF0\xC0", 8));
    const Json result = run.result();
    CHECK(result["bit_exact"] == true);
    CHECK(result["mismatches"] == 0);
    CHECK(result["cycles"].is_null());
    CHECK(result["backend"] == backend);
    CHECK(result["shape"] == Json({{"m", 2}, {"k", 128}, {"group_size", 128}}));
  }
}

TEST_CASE("Precision is chosen per run and the output type by --out-dtype") {
  Run run;
  run.options["--bits"] = "1";
  run.options["--out-dtype"] = "f16";
  const Outcome outcome = run();
  REQUIRE(outcome.exit_code == 0);
  CHECK(data_of(run.scratch / "y.safetensors") == half_bytes({0x4480, 0xBE00}));
  CHECK(run.result()["output_dtype"] == "f16");
}

TEST_CASE("Without --check nothing is compared and the verdict is null") {
  const Run run;
  const Outcome outcome = run();
  REQUIRE(outcome.exit_code == 0);
  CHECK(run.result()["bit_exact"].is_null());
  CHECK(run.result()["mismatches"].is_null());
  CHECK(outcome.out.find("not compared") != std::string::npos);
}

TEST_CASE("A NaN token is a result, not an error") {
  Run run;
  std::vector<std::uint16_t> x(2 * 128, kOne);
  x[128 + 5] = kNan;
  write_file(run.scratch / "x.safetensors", {{"bitloom.format", "1"}},
             {{"x", "F16", {2, 128}, half_bytes(x)}});
  run.options["--check"] = "golden,cuda";
  const Outcome outcome = run();
  REQUIRE(outcome.exit_code == 0);
  CHECK(run.result()["nan_tokens"] == 1);
  CHECK(data_of(run.scratch / "y.safetensors").substr(8) ==
        std::string("\0\0\xC0\x7F\0\0\xC0\x7F", 8));
  CHECK(outcome.out.find("1 of 2 tokens hold a NaN or Inf") != std::string::npos);
}

TEST_CASE("result.json goes to --run-dir, or beside the outputs") {
  Run run;
  run.options["--run-dir"] = (run.scratch / "deep/er").string();
  REQUIRE(run().exit_code == 0);
  CHECK(std::filesystem::exists(run.scratch / "deep/er/result.json"));
  CHECK(!std::filesystem::exists(run.scratch / "result.json"));
}

TEST_CASE("The output hash is that of the bytes of y") {
  const Run run;
  REQUIRE(run().exit_code == 0);
  // printf '\x00\x00\x28\x41\x00\x00\xf0\xc0' | sha256sum
  CHECK(run.result()["output_sha256"] ==
        "a05430e3ebc5dc741b88c5f221f80feadc6edb4a1b8f098167f66c9838c1f102");
}

TEST_CASE("An unknown command or option is refused with the nearest one") {
  check_refused(bitloom({"rum"}), "BL-USE-usage", {"rum", "Nearest: run"});
  check_refused(bitloom({"run", "--wieghts", "x"}), "BL-USE-usage", {"--wieghts", "--weights"});
  check_refused(bitloom({"sim", "--layer", "llama7b.q_proj", "--bit", "2"}), "BL-USE-usage",
                {"--bit", "--bits"});
  CHECK(bitloom({}).exit_code == 2);
  CHECK(bitloom({"help"}).exit_code == 0);
  CHECK(bitloom({"run", "--help"}).exit_code == 0);
}

TEST_CASE("A missing, malformed or stray value is refused by option") {
  Run run;
  run.options.erase("--acts");
  check_refused(run(), "BL-USE-usage", {"--acts"});
  run.options["--acts"] = (run.scratch / "x.safetensors").string();
  run.options["--bits"] = "two";
  check_refused(run(), "BL-USE-usage", {"bits", "two"});
  run.options["--bits"] = "2";
  run.options["--out-dtype"] = "f64";
  check_refused(run(), "BL-USE-usage", {"--out-dtype", "f64", "f32 or f16"});
  run.options["--out-dtype"] = "f32";
  run.options["--check"] = "golden,,cuda";
  check_refused(run(), "BL-USE-usage", {"--check"});
  for (const char* check : {"", "golden,", ","}) {
    run.options["--check"] = check;
    check_refused(run(), "BL-USE-usage", {"--check", "none"});
  }
  run.options["--check"] = "none";
  for (const char* bits : {"-1", "4294967296", "+2", "2.0", "0x2", " 2", ""}) {
    run.options["--bits"] = bits;
    check_refused(run(), "BL-USE-usage", {"--bits", bits});
  }
  run.options["--bits"] = "2";
  for (const char* repeat : {"-1", "1", "1025", "many"}) {
    run.options["--repeat"] = repeat;
    check_refused(run(), "BL-USE-usage", {"--repeat", repeat, "1024"});
  }
  run.options["--repeat"] = "2";
  CHECK(run().exit_code == 0);
  run.options["--design"] = "missing.f";
  check_refused(run(), "BL-IO-read", {"missing.f"});
  check_refused(bitloom({"sim", "--layer", "opt-125m.q_proj", "--bits", "2", "--check="}),
                "BL-USE-usage", {"--check", "none"});
  check_refused(bitloom({"list", "stray"}), "BL-USE-usage", {});
}

TEST_CASE("An unknown layer of a model is refused with the nearest names") {
  check_refused(bitloom({"sim", "--layer", "llama7b.qproj", "--bits", "2"}), "BL-LAY-name",
                {"llama7b.qproj", "llama7b.q_proj"});
}

TEST_CASE("An unknown layer of a file is refused") {
  Run run;
  run.options["--layer"] = "fd";
  check_refused(run(), "BL-LAY-name", {"fd", "fc"});
}

TEST_CASE("An unknown configuration is refused with the nearest names") {
  Run run;
  run.options["--config"] = "tinny";
  check_refused(run(), "BL-CFG-name", {"tinny", "tiny"});
}

TEST_CASE("An unknown backend is refused before anything is read, also one to come") {
  Run run;
  run.options["--weights"] = "missing.safetensors";
  for (const char* backend : {"model", "gold", ""}) {
    run.options["--backend"] = backend;
    check_refused(run(), "BL-USE-backend", {"golden, cpu, cuda, rtl"});
  }
  run.options["--backend"] = "cpu";
  run.options["--check"] = "golden,model";
  check_refused(run(), "BL-USE-backend", {"model"});
}

TEST_CASE("A precision that the file does not serve is refused with those it serves") {
  for (const char* bits : {"0", "3", "9"}) {
    Run run;
    run.options["--bits"] = bits;
    check_refused(run(), "BL-CALL-precision", {bits, "1, 2"});
  }
}

TEST_CASE("Synthetic weights at a precision outside 1..8 are refused") {
  const Scratch scratch;
  for (const char* bits : {"0", "9"})
    check_refused(bitloom({"sim", "--layer", "opt-125m.q_proj", "--bits", bits, "--backend", "cpu",
                           "--out", scratch.path().string()}),
                  "BL-QNT-option", {bits, "1 to 8"});
}

TEST_CASE("Activations of another width are refused with both numbers") {
  Run run;
  write_acts(run.scratch / "x.safetensors", 1, 64);
  check_refused(run(), "BL-CALL-shape", {"64", "128"});
}

TEST_CASE("A layer beyond the configuration names the limit and a configuration that admits it") {
  const Scratch scratch;
  // K = 8192 against tiny's 4096, on the hardware only: the limit is the hardware's.
  constexpr std::uint64_t kK = 8192;
  write_file(scratch / "w.safetensors",
             {{"bitloom.format", "1"},
              {"big.group_size", "128"},
              {"big.in_features", std::to_string(kK)},
              {"big.mode", "bcq"}},
             {{"big.planes", "U8", {1, 1, kK / 8}, std::string(kK / 8, '\1')},
              {"big.alpha.1",
               "F16",
               {1, kK / 128, 1},
               half_bytes(std::vector<std::uint16_t>(kK / 128, kOne))}});
  write_acts(scratch / "x.safetensors", 1, kK);
  const auto run = [&scratch](const char* backend) {
    return bitloom({"run", "--weights", (scratch / "w.safetensors").string(), "--layer", "big",
                    "--acts", (scratch / "x.safetensors").string(), "--bits", "1", "--backend",
                    backend, "--config", "tiny", "--out", (scratch / "y.safetensors").string()});
  };
  const Outcome refused = run("rtl");
  check_refused(refused, "BL-LAY-limit", {"8192", "4096", "max_k", "tiny", "edge, server"});
  CHECK(refused.err.find("acc48") == std::string::npos);  // its limits are those of tiny
  CHECK(run("golden").exit_code == 0);
}

TEST_CASE("A layer that the hardware cannot run is refused before its data is read") {
  const Scratch scratch;
  constexpr std::uint32_t kK = 8192;
  std::vector<std::uint16_t> alpha(kK / 128, kOne);
  alpha.front() = 0x7E00;  // not a number
  write_file(scratch / "w.safetensors",
             {{"bitloom.format", "1"},
              {"big.group_size", "128"},
              {"big.in_features", std::to_string(kK)},
              {"big.mode", "bcq"}},
             {{"big.planes", "U8", {1, 1, kK / 8}, std::string(kK / 8, '\1')},
              {"big.alpha.1", "F16", {1, kK / 128, 1}, half_bytes(alpha)}});
  const auto sim = [&scratch](const char* backend) {
    return bitloom({"sim", "--weights", (scratch / "w.safetensors").string(), "--layer", "big",
                    "--bits", "1", "--backend", backend, "--check", "none", "--config", "tiny",
                    "--out", (scratch / "run").string()});
  };
  check_refused(sim("rtl"), "BL-LAY-limit", {"8192", "4096", "max_k"});
  CHECK_FALSE(std::filesystem::exists(scratch / "run"));
  check_refused(sim("golden"), "BL-LAY-not-finite", {"big.alpha.1"});
}

TEST_CASE("A codebook wider than the hardware's is refused by name, and run by the others") {
  const Scratch scratch;
  write_file(scratch / "w.safetensors",
             {{"bitloom.format", "1"},
              {"fc.group_size", "64"},
              {"fc.in_features", "64"},
              {"fc.mode", "codebook"}},
             {{"fc.planes", "U8", {5, 1, 8}, std::string(40, '\1')},
              {"fc.codebook.5", "F16", {1, 32}, half_bytes(std::vector<std::uint16_t>(32, kOne))}});
  write_acts(scratch / "x.safetensors", 1, 64);
  const auto run = [&scratch](const char* backend) {
    return bitloom({"run", "--weights", (scratch / "w.safetensors").string(), "--layer", "fc",
                    "--acts", (scratch / "x.safetensors").string(), "--bits", "5", "--backend",
                    backend, "--config", "tiny", "--out", (scratch / "y.safetensors").string()});
  };
  check_refused(run("rtl"), "BL-LAY-limit", {"codebook precision = 5", "4", "max_codebook_bits"});
  CHECK(!std::filesystem::exists(scratch / "result.json"));
  CHECK(run("cpu").exit_code == 0);
}

TEST_CASE("What the hardware cannot run is refused before anything is made, also as a check") {
  const Scratch scratch;
  const auto sim = [&scratch](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"sim"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return bitloom(arguments, scratch.path());
  };
  // No name leads out of the directory of the runs, known or not.
  check_refused(sim({"--layer", "../../x", "--bits", "2"}), "BL-LAY-name", {"../../x"});
  check_refused(sim({"--layer", "llama7b.down_proj", "--bits", "2", "--config", "tiny"}),
                "BL-LAY-limit", {"11008", "max_k", "edge"});
  check_refused(sim({"--layer", "llama7b.down_proj", "--bits", "2", "--config", "tiny", "--backend",
                     "cpu", "--check", "golden,rtl"}),
                "BL-LAY-limit", {"11008", "max_k", "edge"});
  check_refused(sim({"--layer", "opt-125m.q_proj", "--bits", "0", "--backend", "cpu"}),
                "BL-QNT-option", {"1 to 8"});
  CHECK(std::filesystem::is_empty(scratch.path()));
}

// bitloom sim of a small layer on the cpu backend, checked against golden and cuda; options as they
// are typed.
Outcome small_sim(const std::string& options, const std::filesystem::path& directory) {
  std::istringstream words("sim --layer opt-125m.k_proj --backend cpu --config tiny " + options);
  return bitloom({std::istream_iterator<std::string>(words), {}}, directory);
}

TEST_CASE("Mode, group size, tokens, output type and precision reach the result and its folder") {
  struct Case {
    const char* options;
    const char* folder;
    const char* mode;
    int group_size;
    int tokens;
    const char* dtype;
    int bits;
  };
  const Scratch scratch;
  std::set<std::string> outputs;
  const std::vector<Case> cases = {
      {"--bits 2", "2b", "bcq", 128, 1, "f32", 2},
      {"--bits 3", "3b", "bcq", 128, 1, "f32", 3},
      {"--bits 2 --mode bcq --group-size 128 --tokens 1", "2b", "bcq", 128, 1, "f32", 2},
      {"--bits 2 --group-size 32", "2b-g32", "bcq", 32, 1, "f32", 2},
      {"--bits 2 --group-size 64", "2b-g64", "bcq", 64, 1, "f32", 2},
      {"--bits 2 --group-size 256", "2b-g256", "bcq", 256, 1, "f32", 2},
      {"--bits 2 --group-size row", "2b-row", "bcq", 0, 1, "f32", 2},
      {"--bits 2 --mode codebook", "2b-codebook", "codebook", 128, 1, "f32", 2},
      {"--bits 2 --mode codebook --group-size 64", "2b-codebook-g64", "codebook", 64, 1, "f32", 2},
      {"--bits 2 --tokens 3", "2b-3t", "bcq", 128, 3, "f32", 2},
      {"--bits 2 --out-dtype f16", "2b-f16", "bcq", 128, 1, "f16", 2},
      {"--bits 4 --mode codebook --group-size row --tokens 5 --out-dtype f16",
       "4b-codebook-row-5t-f16", "codebook", 0, 5, "f16", 4}};
  for (const Case& expected : cases) {
    const Outcome outcome = small_sim(expected.options, scratch.path());
    CAPTURE(expected.folder, outcome.err);
    REQUIRE(outcome.exit_code == 0);
    const auto folder =
        scratch / "runs" / ("opt-125m.k_proj-" + std::string(expected.folder) + "-tiny");
    REQUIRE(std::filesystem::exists(folder / "result.json"));
    const Json result = Json::parse(read_text(folder / "result.json"));
    CHECK(result["mode"] == expected.mode);
    CHECK(result["shape"]["group_size"] == expected.group_size);
    CHECK(result["tokens"] == expected.tokens);
    CHECK(result["output_dtype"] == expected.dtype);
    CHECK(result["bits"] == expected.bits);
    CHECK(result["bit_exact"] == true);
    CHECK(result["checks"][0]["outputs"] == 768 * expected.tokens);
    outputs.insert(result["output_sha256"].get<std::string>());
  }
  CHECK(outputs.size() == 11);  // the two ways to ask for the defaults are the same
}

TEST_CASE("A made layer of either mode comes back from the cache as it was") {
  const Scratch scratch;
  for (const char* mode : {"bcq", "codebook"}) {
    std::set<std::string> outputs;
    for (const char* out : {"first", "second"}) {
      const Outcome outcome =
          small_sim("--bits 3 --seed 77 --check none --mode " + std::string(mode) + " --out " + out,
                    scratch.path());
      REQUIRE(outcome.exit_code == 0);
      const Json result = Json::parse(read_text(scratch / out / "result.json"));
      CHECK(result["mode"] == mode);
      CHECK(result["quantization"]["weight_relative_error"] > 0.1);
      outputs.insert(result["output_sha256"].get<std::string>());
    }
    CHECK(outputs.size() == 1);
  }
}

TEST_CASE("What a file fixes cannot be asked for otherwise") {
  const Run files;
  const Scratch scratch;
  const auto sim = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"sim",
                                          "--weights",
                                          (files.scratch / "w.safetensors").string(),
                                          "--acts",
                                          (files.scratch / "x.safetensors").string(),
                                          "--layer",
                                          "fc",
                                          "--bits",
                                          "2",
                                          "--backend",
                                          "cpu",
                                          "--out",
                                          "run"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return bitloom(arguments, scratch.path());
  };
  check_refused(sim({"--mode", "codebook"}), "BL-USE-usage",
                {"--mode", "found codebook", "expected bcq", "fc", "w.safetensors"});
  check_refused(sim({"--group-size", "row"}), "BL-USE-usage",
                {"--group-size", "found row", "expected 128", "fc"});
  check_refused(sim({"--tokens", "2"}), "BL-USE-usage",
                {"--tokens", "found 2", "expected 1", "x.safetensors"});
  CHECK(std::filesystem::is_empty(scratch.path()));
  CHECK(sim({"--mode", "bcq", "--group-size", "128", "--tokens", "1"}).exit_code == 0);
}

TEST_CASE("Modes, group sizes, tokens and output types that do not exist are refused") {
  const Scratch scratch;
  const auto check = [&scratch](const char* option, const char* value, const char* expected) {
    check_refused(small_sim("--bits 2 " + std::string(option) + "=" + value, scratch.path()),
                  "BL-USE-usage", {option, value, expected});
  };
  for (const char* mode : {"BCQ", "lut", ""}) check("--mode", mode, "bcq or codebook");
  for (const char* size : {"0", "16", "48", "512", "128.0", "-32", "K", ""})
    check("--group-size", size, "32 or 64 or 128 or 256 or row");
  for (const char* tokens : {"0", "-1", "65537", "two", ""})
    check("--tokens", tokens, "1 to 65536");
  for (const char* dtype : {"f64", "bf16", ""}) check("--out-dtype", dtype, "f32 or f16");
  CHECK(std::filesystem::is_empty(scratch.path()));
}

TEST_CASE("The default run directory lies below runs, whatever a file calls its layer") {
  Run run;
  write_file(run.scratch / "w.safetensors",
             {{"bitloom.format", "1"},
              {"../../fc.group_size", "128"},
              {"../../fc.in_features", "128"},
              {"../../fc.mode", "bcq"}},
             {{"../../fc.planes", "U8", {1, 1, 16}, std::string(16, '\1')},
              {"../../fc.alpha.1", "F16", {1, 1, 1}, half_bytes({kOne})}});
  const Scratch directory;
  const Outcome outcome =
      bitloom({"sim", "--weights", (run.scratch / "w.safetensors").string(), "--layer", "../../fc",
               "--bits", "1", "--config", "tiny", "--backend", "cpu"},
              directory.path());
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(std::filesystem::exists(directory / "runs/.._.._fc-1b-tiny/result.json"));
}

// A copy of the design, in which a text of one file, which is there once, is another; its list.
std::string changed_design(const Scratch& scratch, const std::string& file, const std::string& from,
                           const std::string& to) {
  std::filesystem::remove_all(scratch / "rtl");
  std::filesystem::copy("rtl", scratch / "rtl", std::filesystem::copy_options::recursive);
  std::string text = read_text(scratch / "rtl" / file);
  REQUIRE(text.find(from) != std::string::npos);
  REQUIRE(text.find(from) == text.rfind(from));
  write_text(scratch / "rtl" / file, text.replace(text.find(from), from.size(), to));
  return (scratch / "rtl/files.f").string();
}

// bitloom with this script in place of cmake, which builds the simulator.
Outcome run_with_cmake(const Run& run, const std::string& script) {
  std::filesystem::create_directories(run.scratch / "bin");
  write_text(run.scratch / "bin/cmake", "#!/bin/sh\n" + script);
  std::filesystem::permissions(run.scratch / "bin/cmake", std::filesystem::perms::owner_all);
  const char* inherited = std::getenv("PATH");
  const std::string path = inherited == nullptr ? "" : inherited;
  setenv("PATH", ((run.scratch / "bin").string() + ":" + path).c_str(), 1);
  Outcome outcome = run();
  setenv("PATH", path.c_str(), 1);
  return outcome;
}

TEST_CASE("A simulator that cannot be built, or that dies, is exit code 3") {
  Run run;
  run.options["--backend"] = "rtl";
  const std::string comment = "// The one file list:";
  run.options["--design"] =
      changed_design(run.scratch, "files.f", comment, "// Of a build that fails:");
  const Outcome unbuilt =
      run_with_cmake(run, "[ \"$1\" = --version ] || { echo no space; exit 1; }\n");
  CAPTURE(unbuilt.err);
  CHECK(unbuilt.exit_code == 3);
  CHECK(unbuilt.err.find("error BL-RTL-build:") != std::string::npos);
  CHECK(unbuilt.err.find("no space") != std::string::npos);

  run.options["--design"] =
      changed_design(run.scratch, "files.f", comment, "// Of a simulator that dies at once:");
  const Outcome dead = run_with_cmake(run, R"(case "$1" in
-S) mkdir -p "$4" ;;
--build) printf '#!/bin/sh\nexit 5\n' > "$2/bl_worker" && chmod +x "$2/bl_worker" ;;
esac
)");
  CAPTURE(dead.err);
  CHECK(dead.exit_code == 3);
  CHECK(dead.err.find("error BL-RTL-fault:") != std::string::npos);
}

TEST_CASE("A fault in the design is exit code 1, and row, group, plane and waveform are named") {
  Run run;
  run.options["--backend"] = "rtl";
  run.options["--check"] = "cpu,golden";
  // Row 1 of each row group adds 1 to every slice: 8 slices of 16 columns make 8.
  run.options["--design"] = changed_design(run.scratch, "pe/bl_pe.sv", "FieldW'(sum[SliceW-1:0])",
                                           "FieldW'(SliceW'(sum[SliceW-1:0] + SliceW'(r == 1)))");
  const Outcome outcome = run();
  CAPTURE(outcome.out, outcome.err);
  CHECK(outcome.exit_code == 1);
  const Json result = run.result();
  CHECK(result["bit_exact"] == false);
  CHECK(result["mismatches"] == 1);
  const Json& first = result["first_mismatch"];
  CHECK(first["against"] == "cpu");
  CHECK(first["row"] == 1);
  CHECK(first["token"] == 0);
  CHECK(first["expected_bits"] == 0xC0F00000);  // -7.5
  CHECK(first["found_bits"] != 0xC0F00000);
  const Json& location = first["location"];
  CHECK(location["group"] == 0);
  CHECK(location["plane"] == 0);
  CHECK(location["found_partial"].get<int>() - location["expected_partial"].get<int>() == 8);
  CHECK(outcome.out.find("group 0, plane 0: partial sum") != std::string::npos);
  CHECK(outcome.out.find("1 of 2 outputs differ from cpu; first at row 1, token 0: 0x") !=
        std::string::npos);
  CHECK(outcome.out.find("expected 0xC0F00000") != std::string::npos);
  CHECK(std::filesystem::file_size(run.scratch / "mismatch.fst") > 0);
  CHECK(location["wave"] == (run.scratch / "mismatch.fst").string());
  CHECK(!std::filesystem::exists(run.scratch / "trace.txt"));
  CHECK(data_of(run.scratch / "y.safetensors").size() == 8);
}

TEST_CASE("An output that cannot be written is refused before the run") {
  Run run;
  write_file(run.scratch / "file", {}, {});
  run.options["--out"] = (run.scratch / "file/y.safetensors").string();
  check_refused(run(), "BL-OUT-path", {"file"});
  run.options["--out"] = (run.scratch / "y.safetensors").string();
  run.options["--run-dir"] = (run.scratch / "file").string();
  check_refused(run(), "BL-OUT-path", {"file"});
  CHECK(!std::filesystem::exists(run.scratch / "y.safetensors"));
}

TEST_CASE("A missing input file is refused by path") {
  Run run;
  run.options["--weights"] = (run.scratch / "absent.safetensors").string();
  check_refused(run(), "BL-IO-read", {"absent.safetensors"});
}

TEST_CASE("A simulation of a model layer writes its result, and its data with --dump") {
  const Scratch scratch;
  const Outcome outcome = bitloom({"sim", "--layer", "opt-125m.k_proj", "--bits", "3", "--backend",
                                   "cpu", "--out", (scratch / "run").string(), "--dump"});
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const Json result = Json::parse(read_text(scratch / "run/result.json"));
  CHECK(result["bit_exact"] == true);
  CHECK(result["checks"].size() == 2);
  CHECK(result["weights"] == "synthetic, seed 1");
  CHECK(result["quantization"]["weight_relative_error"] < 0.25);
  CHECK(result["quantization"]["output_snr_db"] > 10);
  // The dumped files are interchange files: a run on them gives the same outputs.
  const Outcome again =
      bitloom({"run", "--weights", (scratch / "run/weights.safetensors").string(), "--layer",
               "opt-125m.k_proj", "--acts", (scratch / "run/x.safetensors").string(), "--bits", "3",
               "--backend", "golden", "--config", "tiny", "--out", (scratch / "y").string()});
  REQUIRE(again.exit_code == 0);
  CHECK(Json::parse(read_text(scratch / "result.json"))["output_sha256"] ==
        result["output_sha256"]);
  CHECK(data_of(scratch / "y") == data_of(scratch / "run/y.safetensors"));
}

// A llama2.c model: dim 8, hidden 12, one block, 2 heads, 1 key/value head, 4 words, 2 positions.
// All weights are +0.5 or -0.5, which one bit holds exactly.
void write_llama2c(const std::filesystem::path& path) {
  const std::vector<std::int32_t> header = {8, 12, 1, 2, 1, 4, 2};
  constexpr std::size_t kValues =
      4 * 8 + 8 + 8 * 8 + 4 * 8 + 4 * 8 + 8 * 8 + 8 + 12 * 8 + 8 * 12 + 12 * 8 + 8 + 2 * 4;
  std::string bytes(reinterpret_cast<const char*>(header.data()), 4 * header.size());
  for (std::size_t i = 0; i < kValues; ++i) {
    const float value = i % 3 == 0 ? -0.5F : 0.5F;
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  write_text(path, bytes);
}

TEST_CASE("A tensor of a llama2.c model is quantized and run") {
  const Scratch scratch;
  write_llama2c(scratch / "model.bin");
  const auto sim = [&scratch](const char* layer) {
    return bitloom({"sim", "--weights", (scratch / "model.bin").string(), "--layer", layer,
                    "--bits", "1", "--backend", "cpu", "--config", "tiny", "--out",
                    (scratch / "run").string()});
  };
  const Outcome outcome = sim("layers.0.w2");
  CAPTURE(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const Json result = Json::parse(read_text(scratch / "run/result.json"));
  CHECK(result["shape"] == Json({{"m", 8}, {"k", 12}, {"group_size", 128}}));
  CHECK(result["quantization"]["weight_relative_error"] == 0.0);
  CHECK(result["bit_exact"] == true);
  check_refused(sim("layers.1.w2"), "BL-LAY-name", {"layers.1.w2", "layers.0.w2"});
}

TEST_CASE("A list of the layers is printed for people and as JSON") {
  const Outcome table = bitloom({"list"});
  CHECK(table.exit_code == 0);
  CHECK(table.out.find("llama7b.q_proj") != std::string::npos);
  CHECK(table.out.find("bcq, codebook\n") != std::string::npos);
  CHECK(table.out.find("32, 64, 128, 256, row\n") != std::string::npos);
  const Json list = Json::parse(bitloom({"list", "--json"}).out);
  const auto fc1 = std::find_if(list.begin(), list.end(),
                                [](const Json& layer) { return layer["layer"] == "opt-13b.fc1"; });
  REQUIRE(fc1 != list.end());
  CHECK((*fc1)["m"] == 20480);
  CHECK((*fc1)["k"] == 5120);
  CHECK((*fc1)["count"] == 40);
}

}  // namespace
