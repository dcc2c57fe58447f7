// SPDX-License-Identifier: Apache-2.0
// What AnyBCQ and Any-Precision folders must and cannot hold. Their layouts are compared value for
// value in tests/host/checkpoint_test.py.
#include <catch2/catch.hpp>

#include "sw/checkpoint/quantized_checkpoint.hpp"
#include "sw/io/layer_file.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

constexpr const char* kName = "model.layers.0.mlp.up_proj";

NamedTensor ones(const std::string& name, Dtype dtype, const Shape& shape) {
  return {name, dtype, shape, std::vector<std::uint8_t>(tensor_bytes(dtype, shape).value(), 1)};
}

// An AnyBCQ layer of 3 rows and 64 columns in groups of 32, at 2 and 3 bits.
struct Folder {
  ScratchFolder scratch;
  std::string config =
      R"({"anybcq": {"seed_precision": 2, "parent_precision": 3, "group_size": 32}})";
  std::vector<NamedTensor> tensors = {ones(std::string(kName) + ".qweight", Dtype::i32, {2, 3, 3}),
                                      ones(std::string(kName) + ".alpha_2", Dtype::f16, {2, 2, 3}),
                                      ones(std::string(kName) + ".beta_2", Dtype::f16, {2, 3}),
                                      ones(std::string(kName) + ".alpha_3", Dtype::f16, {2, 3, 3}),
                                      ones(std::string(kName) + ".beta_3", Dtype::f16, {2, 3})};

  [[nodiscard]] std::filesystem::path write() const {
    write_bytes(scratch.path("config.json"), config);
    write_safetensors(scratch.path("model.safetensors"), {}, tensors);
    return scratch.path("");
  }
  [[nodiscard]] Error error() const {
    return error_of([this] { open_quantized_checkpoint(write())->read(0); });
  }
};

TEST_CASE("A folder of AnyBCQ is read") {
  const Folder folder;
  const auto checkpoint = open_quantized_checkpoint(folder.write());
  REQUIRE(checkpoint->layers().size() == 1);
  const LayerOutline& layer = checkpoint->layers()[0];
  CHECK(layer.name == kName);
  CHECK(layer.m == 3);
  CHECK(layer.k == 64);
  CHECK(layer.plane_count == 3);
  CHECK(layer.precisions == std::map<unsigned, bool>{{2, true}, {3, true}});
  CHECK(checkpoint->config() == "{}");
}

TEST_CASE("All tensors that a folder lacks are named at once") {
  Folder folder;
  folder.tensors.erase(folder.tensors.begin() + 2, folder.tensors.begin() + 4);
  const Error error = folder.error();
  CHECK(error.code() == ErrorCode::checkpoint_missing);
  CHECK(error.parts().found ==
        "no model.layers.0.mlp.up_proj.alpha_3, model.layers.0.mlp.up_proj.beta_2");
  folder.tensors = {ones("x", Dtype::u8, {1})};
  CHECK(folder.error().code() == ErrorCode::checkpoint_missing);
}

TEST_CASE("Tensors that contradict the configuration or each other are refused") {
  const auto refused = [](std::size_t index, Dtype dtype, const Shape& shape) {
    Folder folder;
    folder.tensors[index] = ones(folder.tensors[index].name, dtype, shape);
    return folder.error().code() == ErrorCode::checkpoint_tensor;
  };
  CHECK(refused(0, Dtype::i32, {2, 4, 3}));      // planes
  CHECK(refused(0, Dtype::i32, {2, 3}));         // extents
  CHECK(refused(0, Dtype::i32, {0, 3, 3}));      // columns
  CHECK(refused(0, Dtype::i32, {2, 3, 0}));      // rows
  CHECK(refused(0, Dtype::i64, {2, 3, 3}));      // type
  CHECK(refused(0, Dtype::i32, {1, 3, 3}));      // columns against tables
  CHECK(refused(1, Dtype::f16, {2, 3, 3}));      // scales
  CHECK(refused(2, Dtype::bf16, {2, 3}));        // type of a table
  CHECK(refused(0, Dtype::i32, {32769, 3, 1}));  // more than 2^20 columns
}

TEST_CASE("Configurations out of range are refused") {
  const auto refused = [](const std::string& section) {
    Folder folder;
    folder.config = "{\"anybcq\": " + section + "}";
    return folder.error().code() == ErrorCode::checkpoint_config;
  };
  CHECK(refused("5"));
  CHECK(refused("{}"));
  CHECK(refused(R"({"seed_precision": 2, "parent_precision": 9, "group_size": 32})"));
  CHECK(refused(R"({"seed_precision": 4, "parent_precision": 3, "group_size": 32})"));
  CHECK(refused(R"({"seed_precision": 0, "parent_precision": 3, "group_size": 32})"));
  CHECK(refused(R"({"seed_precision": 2, "parent_precision": 3, "group_size": 48})"));
  CHECK(refused(R"({"seed_precision": 2, "parent_precision": 3, "group_size": -2})"));
  Folder folder;
  folder.config = R"({"anybcq": {"seed_precision": 2, "parent_precision": 3, "group_size": 128}})";
  CHECK(folder.error().code() == ErrorCode::checkpoint_tensor);  // 64 columns are no whole group
  folder.config = R"({"anyprec": {"seed_precision": 2, "parent_precision": 3, "group_count": 2}})";
  CHECK(folder.error().code() == ErrorCode::checkpoint_config);
}

TEST_CASE("A NaN or infinity in a table is refused") {
  for (const std::uint8_t high : std::vector<std::uint8_t>{0x7C, 0x7E, 0xFC}) {
    Folder folder;
    folder.tensors[3].bytes[7] = high;
    const Error error = folder.error();
    CHECK(error.code() == ErrorCode::layer_not_finite);
    CHECK_THAT(error.parts().place, Catch::Contains("precision 3, row 0"));
  }
}

Layer layer_of(const std::string& name, Mode mode, std::uint32_t k, std::uint32_t group_size,
               std::uint32_t planes, const std::vector<unsigned>& precisions) {
  Layer layer;
  layer.name = name;
  layer.mode = mode;
  layer.m = 2;
  layer.k = k;
  layer.group_size = group_size;
  layer.plane_count = planes;
  layer.planes.assign(std::size_t{planes} * 2 * layer.row_bytes(), 0x5A);
  if (k % 8 != 0) layer.planes.assign(layer.planes.size(), 0);
  for (const unsigned bits : precisions) {
    PrecisionTables& tables = layer.precisions[bits];
    if (mode == Mode::codebook)
      tables.codebook.assign(std::size_t{2} << bits, Half{0x3C00});
    else
      tables.alpha.assign(std::size_t{2} * layer.groups() * bits, Half{0x3C00});
  }
  return layer;
}

using Write = void (*)(const std::filesystem::path&, const QuantizedCheckpoint&, const Selection&);

// What the writer says that it found when it writes these layers.
std::string refusal(Write write, const std::vector<Layer>& layers) {
  const ScratchFolder folder;
  write_layers(folder.path("w.safetensors"), layers);
  const auto source = open_quantized_checkpoint(folder.path("w.safetensors"));
  Selection selection;
  for (std::size_t i = 0; i < layers.size(); ++i) selection.layers.push_back(i);
  const Error error = error_of([&] { write(folder.path("out"), *source, selection); });
  CHECK(error.code() == ErrorCode::checkpoint_unstorable);
  CHECK(folder.entries() == std::vector<std::string>{"w.safetensors"});
  return error.parts().found;
}

TEST_CASE("What a format cannot hold is refused before anything is written") {
  const std::string a = "model.layers.0.a";
  const std::string b = "model.layers.1.a";
  const Layer bcq = layer_of(a, Mode::bcq, 64, 32, 3, {2, 3});
  const Layer codebook = layer_of(a, Mode::codebook, 64, 128, 3, {2, 3});
  CHECK(refusal(write_anyprec_checkpoint, {bcq}) == "a BCQ layer");
  CHECK(refusal(write_anybcq_checkpoint, {codebook}) == "a codebook layer");
  CHECK(refusal(write_anybcq_checkpoint, {layer_of(a, Mode::bcq, 72, 0, 2, {2})}) == "72 columns");
  CHECK(refusal(write_anyprec_checkpoint, {layer_of(a, Mode::codebook, 100, 128, 2, {2})}) ==
        "100 columns");
  CHECK(refusal(write_anybcq_checkpoint, {layer_of(a, Mode::bcq, 96, 64, 2, {2})}) ==
        "96 columns in groups of 64");
  CHECK(refusal(write_anybcq_checkpoint, {layer_of(a, Mode::bcq, 64, 32, 2, {1, 2})}) ==
        "a precision of 1 bit");
  CHECK(refusal(write_anybcq_checkpoint, {layer_of(a, Mode::bcq, 64, 32, 4, {2, 4})}) ==
        "no precision of 3 bits");
  CHECK(refusal(write_anybcq_checkpoint, {bcq, layer_of(b, Mode::bcq, 64, 64, 3, {2, 3})}) ==
        "2 to 3 bits, group size 64");
  CHECK(
      refusal(write_anyprec_checkpoint, {codebook, layer_of(b, Mode::codebook, 64, 128, 3, {3})}) ==
      "3 to 3 bits, group size 0");
  CHECK(refusal(write_anybcq_checkpoint, {layer_of("lm_head", Mode::bcq, 64, 32, 2, {2})}) ==
        "a layer outside the decoder blocks");
  CHECK(refusal(write_anybcq_checkpoint, {bcq, layer_of("other.layers.0.a", Mode::bcq, 64, 32, 3,
                                                        {2, 3})}) == "blocks in other.layers");
}

TEST_CASE("Planes beyond the highest precision are left out; offsets that are not there are 0") {
  const ScratchFolder folder;
  const std::vector<Layer> layers = {layer_of("model.layers.0.a", Mode::bcq, 64, 32, 4, {2})};
  write_layers(folder.path("w.safetensors"), layers);
  write_anybcq_checkpoint(folder.path("out"),
                          *open_quantized_checkpoint(folder.path("w.safetensors")), {{0}, {}});
  const Layer back = open_quantized_checkpoint(folder.path("out"))->read(0);
  CHECK(back.plane_count == 2);
  CHECK(std::equal(back.planes.begin(), back.planes.end(), layers[0].planes.begin()));
  CHECK(back.precisions.at(2).alpha == layers[0].precisions.at(2).alpha);
  CHECK(back.precisions.at(2).beta == std::vector<Half>(4));
}

TEST_CASE("A folder that holds other weights is not written to") {
  const ScratchFolder folder;
  write_layers(folder.path("w.safetensors"),
               std::vector<Layer>{layer_of("model.layers.0.a", Mode::bcq, 64, 32, 2, {2})});
  const auto source = open_quantized_checkpoint(folder.path("w.safetensors"));
  write_bytes(folder.path("pytorch_model.bin"), "");
  const Error error = error_of([&] {
    write_anybcq_checkpoint(folder.path(""), *source, {{0}, {}});
  });
  CHECK(error.code() == ErrorCode::output_path);
  CHECK(error_of([&] {
          write_anybcq_checkpoint(folder.path("w.safetensors/x"), *source, {{0}, {}});
        }).code() == ErrorCode::output_path);
}

TEST_CASE("A configuration in a file of ours must be an object") {
  const ScratchFolder folder;
  write_safetensors(folder.path("w.safetensors"),
                    {{"bitloom.format", "1"}, {"bitloom.config", "[]"}}, {});
  CHECK(error_of([&] { open_quantized_checkpoint(folder.path("w.safetensors")); }).code() ==
        ErrorCode::checkpoint_config);
}

}  // namespace
}  // namespace bitloom
