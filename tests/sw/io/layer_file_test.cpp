// SPDX-License-Identifier: Apache-2.0
#include "sw/io/layer_file.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "sw/io/safetensors.hpp"
#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

const std::map<std::string, std::string> kFormat = {{"bitloom.format", "1"}};

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// A layer of 2 rows, 10 columns, 2 planes, groups of 32, with precisions 1 (offsets) and 2.
Layer small_bcq() {
  Layer layer;
  layer.name = "model.layers.0.q";
  layer.m = 2;
  layer.k = 10;
  layer.group_size = 32;
  layer.plane_count = 2;
  layer.planes = {0x01, 0x02, 0xFF, 0x03, 0x80, 0x00, 0x55, 0x01};
  layer.precisions[1] = {{Half{0x3C00}, Half{0x3801}}, {Half{0x8000}, Half{0xB400}}, {}};
  layer.precisions[2] = {{Half{0x3C00}, Half{0x0001}, Half{0x7BFF}, Half{0xFBFF}}, {}, {}};
  return layer;
}

Layer small_codebook() {
  Layer layer = small_bcq();
  layer.name = "model.layers.0.k";
  layer.mode = Mode::codebook;
  layer.group_size = 0;
  layer.precisions.clear();
  layer.precisions[2].codebook.assign(8, Half{0x2E66});
  return layer;
}

void check_same(const Layer& a, const Layer& b) {
  CHECK(a.name == b.name);
  CHECK(a.mode == b.mode);
  CHECK(a.m == b.m);
  CHECK(a.k == b.k);
  CHECK(a.group_size == b.group_size);
  CHECK(a.plane_count == b.plane_count);
  CHECK(a.planes == b.planes);
  REQUIRE(a.precisions.size() == b.precisions.size());
  for (const auto& [bits, tables] : a.precisions) {
    REQUIRE(b.precisions.contains(bits));
    CHECK(tables.alpha == b.precisions.at(bits).alpha);
    CHECK(tables.beta == b.precisions.at(bits).beta);
    CHECK(tables.codebook == b.precisions.at(bits).codebook);
  }
}

// The parts of a file with one good layer "n": 1 plane, 1 row, 3 columns, one group per row.
struct Parts {
  std::map<std::string, std::string> metadata = {
      {"bitloom.format", "1"}, {"n.group_size", "0"}, {"n.in_features", "3"}, {"n.mode", "bcq"}};
  std::map<std::string, NamedTensor> tensors = {
      {"n.planes", {"n.planes", Dtype::u8, {1, 1, 1}, {0x07}}},
      {"n.alpha.1", {"n.alpha.1", Dtype::f16, {1, 1, 1}, {0x00, 0x3C}}}};

  void set(const std::string& name, Dtype dtype, Shape shape, std::size_t bytes) {
    tensors[name] = {name, dtype, std::move(shape), std::vector<std::uint8_t>(bytes)};
  }
};

Error error_of_parts(const Parts& parts) {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : parts.tensors) tensors.push_back(tensor);
  write_safetensors(path, parts.metadata, tensors);
  return error_of([&] { read_layer(path, "n"); });
}

Activations read_x(Dtype dtype, const Shape& shape, const std::string& bytes) {
  const ScratchFolder folder;
  const auto path = folder.path("x.safetensors");
  write_safetensors(path, kFormat, {{"x", dtype, shape, bytes_of(bytes)}});
  return read_activations(path);
}

std::string f32(float v) { return raw(std::bit_cast<std::uint32_t>(v)); }
std::string f64(double v) { return raw(std::bit_cast<std::uint64_t>(v)); }

}  // namespace

TEST_CASE("layers of both modes are read back as they were written") {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  const std::vector<Layer> layers = {small_bcq(), small_codebook()};
  write_layers(path, layers);
  CHECK(list_layers(path) == std::vector<std::string>{"model.layers.0.k", "model.layers.0.q"});
  check_same(read_layer(path, "model.layers.0.q"), layers[0]);
  check_same(read_layer(path, "model.layers.0.k"), layers[1]);
}

TEST_CASE("an outline is the layer without its bits") {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  const std::vector<Layer> layers = {small_bcq(), small_codebook()};
  write_layers(path, layers);
  const LayerFile file(path);
  for (const Layer& layer : layers) {
    const LayerOutline outline = file.outline(layer.name);
    CHECK(outline.mode == layer.mode);
    CHECK(outline.m == layer.m);
    CHECK(outline.k == layer.k);
    CHECK(outline.group_size == layer.group_size);
    CHECK(outline.plane_count == layer.plane_count);
    CHECK(outline.precisions == layer.outline().precisions);
    for (const auto& [bits, has_offsets] : outline.precisions)
      CHECK(has_offsets == !layer.precisions.at(bits).beta.empty());
  }
  CHECK(error_of([&] { (void)file.outline("n"); }).code() == ErrorCode::layer_name);
}

TEST_CASE("tensors that belong to no layer are told from those that do, and travel along") {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  const Layer layer = small_bcq();
  {
    const std::vector<LayerOutline> outlines = {layer.outline()};
    LayerFileWriter writer(path, outlines, {{"k", "v"}}, {{"other.alpha.2", Dtype::u8, {1}}});
    writer.write(layer);
    writer.write("other.alpha.2", [](std::uint64_t, std::size_t length) {
      return std::vector<std::uint8_t>(length, 7);
    });
    writer.commit();
  }
  const LayerFile file(path);
  CHECK(file.container().metadata().at("k") == "v");
  std::vector<std::string> others;
  for (const auto& [name, info] : file.container().tensors())
    if (!file.is_layer_tensor(name)) others.push_back(name);
  CHECK(others == std::vector<std::string>{"other.alpha.2"});
  CHECK(file.container().read(file.container().tensors().at("other.alpha.2")) ==
        std::vector<std::uint8_t>{7});
}

TEST_CASE("a written file has the names, types, shapes and metadata of the format") {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  write_layers(path, std::vector<Layer>{small_bcq(), small_codebook()});
  const SafetensorsFile file(path);
  const std::map<std::string, std::string> metadata = {{"bitloom.format", "1"},
                                                       {"model.layers.0.q.group_size", "32"},
                                                       {"model.layers.0.q.in_features", "10"},
                                                       {"model.layers.0.q.mode", "bcq"},
                                                       {"model.layers.0.k.group_size", "0"},
                                                       {"model.layers.0.k.in_features", "10"},
                                                       {"model.layers.0.k.mode", "codebook"}};
  CHECK(file.metadata() == metadata);
  const auto check = [&](const std::string& name, Dtype dtype, const Shape& shape) {
    CAPTURE(name);
    REQUIRE(file.tensors().contains(name));
    CHECK(file.tensors().at(name).dtype == dtype);
    CHECK(file.tensors().at(name).shape == shape);
  };
  CHECK(file.tensors().size() == 6);
  check("model.layers.0.q.planes", Dtype::u8, {2, 2, 2});
  check("model.layers.0.q.alpha.1", Dtype::f16, {2, 1, 1});
  check("model.layers.0.q.alpha.2", Dtype::f16, {2, 1, 2});
  check("model.layers.0.q.beta.1", Dtype::f16, {2, 1});
  check("model.layers.0.k.planes", Dtype::u8, {2, 2, 2});
  check("model.layers.0.k.codebook.2", Dtype::f16, {2, 4});
  CHECK(file.read(file.tensors().at("model.layers.0.q.alpha.2")) ==
        std::vector<std::uint8_t>{0x00, 0x3C, 0x01, 0x00, 0xFF, 0x7B, 0xFF, 0xFB});
}

TEST_CASE("plane bits beyond K are ignored when read and written as 0") {
  Parts parts;
  parts.tensors["n.planes"].bytes = {0xFD};
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  write_safetensors(path, parts.metadata,
                    {parts.tensors.at("n.planes"), parts.tensors.at("n.alpha.1")});
  Layer layer = read_layer(path, "n");
  CHECK(layer.planes == std::vector<std::uint8_t>{0x05});
  layer.planes = {0xFD};
  write_layers(path, std::span(&layer, 1));
  const SafetensorsFile file(path);
  CHECK(file.read(file.tensors().at("n.planes")) == std::vector<std::uint8_t>{0x05});
}

TEST_CASE("a file without the format's metadata, or with another number, is refused") {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  for (const auto& metadata : {std::map<std::string, std::string>{},
                               std::map<std::string, std::string>{{"bitloom.format", "2"}}}) {
    write_safetensors(path, metadata, {{"x", Dtype::f16, {1, 1}, {0, 0}}});
    CHECK(error_of([&] { list_layers(path); }).code() == ErrorCode::file_format);
    CHECK(error_of([&] { read_layer(path, "n"); }).code() == ErrorCode::file_format);
    CHECK(error_of([&] { read_activations(path); }).code() == ErrorCode::file_format);
    CHECK(error_of([&] { read_outputs(path); }).code() == ErrorCode::file_format);
  }
}

TEST_CASE("an unknown layer is refused with the nearest names of the file") {
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  write_layers(path, std::vector<Layer>{small_bcq(), small_codebook()});
  const Error error = error_of([&] { read_layer(path, "model.layers.0.v"); });
  CHECK(error.code() == ErrorCode::layer_name);
  CHECK(error.parts().expected.find("model.layers.0.q") != std::string::npos);
}

TEST_CASE("missing or impossible metadata of a layer is refused") {
  const std::pair<std::string, std::vector<std::string>> entries[] = {
      {"n.group_size", {"", "16", "48", "-1", "032", "32 ", "0x20", "4294967296", "512"}},
      {"n.in_features", {"", "0", "-3", "1048577", "3.0", "99999999999999999999"}},
      {"n.mode", {"", "BCQ", "uniform"}}};
  for (const auto& [key, values] : entries) {
    Parts without;
    without.metadata.erase(key);
    CHECK(error_of_parts(without).code() == ErrorCode::layer_metadata);
    for (const std::string& value : values) {
      CAPTURE(key, value);
      Parts parts;
      parts.metadata[key] = value;
      CHECK(error_of_parts(parts).code() == ErrorCode::layer_metadata);
    }
  }
}

TEST_CASE("a weight tensor of another element type is refused") {
  Parts planes;
  planes.set("n.planes", Dtype::i8, {1, 1, 1}, 1);
  CHECK(error_of_parts(planes).code() == ErrorCode::layer_dtype);
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32, Dtype::u16}) {
    Parts alpha;
    alpha.set("n.alpha.1", dtype, {1, 1, 1}, dtype_bytes(dtype));
    CHECK(error_of_parts(alpha).code() == ErrorCode::layer_dtype);
    Parts beta;
    beta.set("n.beta.1", dtype, {1, 1}, dtype_bytes(dtype));
    CHECK(error_of_parts(beta).code() == ErrorCode::layer_dtype);
    Parts codebook;
    codebook.metadata["n.mode"] = "codebook";
    codebook.tensors.erase("n.alpha.1");
    codebook.set("n.codebook.1", dtype, {1, 2}, 2 * dtype_bytes(dtype));
    CHECK(error_of_parts(codebook).code() == ErrorCode::layer_dtype);
  }
}

TEST_CASE("a weight tensor of another shape is refused") {
  const std::pair<std::string, Shape> wrong[] = {
      {"n.planes", {1, 1}},     {"n.planes", {1, 1, 2}},  {"n.planes", {0, 1, 1}},
      {"n.planes", {9, 1, 1}},  {"n.planes", {1, 0, 1}},  {"n.alpha.1", {1, 1}},
      {"n.alpha.1", {1, 2, 1}}, {"n.alpha.1", {2, 1, 1}}, {"n.alpha.1", {1, 1, 2}},
      {"n.beta.1", {1, 1, 1}},  {"n.beta.1", {1, 2}}};
  for (const auto& [name, shape] : wrong) {
    const Dtype dtype = name == "n.planes" ? Dtype::u8 : Dtype::f16;
    std::size_t bytes = dtype_bytes(dtype);
    for (const std::uint64_t extent : shape) bytes *= extent;
    CAPTURE(name, shape_text(shape));
    Parts parts;
    parts.set(name, dtype, shape, bytes);
    CHECK(error_of_parts(parts).code() == ErrorCode::layer_shape);
  }
  Parts codebook;
  codebook.metadata["n.mode"] = "codebook";
  codebook.tensors.erase("n.alpha.1");
  codebook.set("n.codebook.1", Dtype::f16, {1, 4}, 8);
  CHECK(error_of_parts(codebook).code() == ErrorCode::layer_shape);
}

TEST_CASE("a layer without tables, or with tables that do not belong to it, is refused") {
  Parts none;
  none.tensors.erase("n.alpha.1");
  CHECK(error_of_parts(none).code() == ErrorCode::layer_tensor);
  Parts both;
  both.set("n.codebook.1", Dtype::f16, {1, 2}, 4);
  CHECK(error_of_parts(both).code() == ErrorCode::layer_tensor);
  Parts other_mode;
  other_mode.metadata["n.mode"] = "codebook";
  CHECK(error_of_parts(other_mode).code() == ErrorCode::layer_tensor);
  Parts only_offsets;
  only_offsets.tensors.erase("n.alpha.1");
  only_offsets.set("n.beta.1", Dtype::f16, {1, 1}, 2);
  CHECK(error_of_parts(only_offsets).code() == ErrorCode::layer_tensor);
  for (const std::string bits : {"0", "2", "9", "01", "99999999999"}) {
    CAPTURE(bits);
    Parts parts;
    parts.set("n.alpha." + bits, Dtype::f16, {1, 1, 1}, 2);
    CHECK(error_of_parts(parts).code() == ErrorCode::layer_tensor);
  }
}

TEST_CASE("NaN or infinity in any table of the layer is refused with its index") {
  const auto code = [](const std::string& name, Shape shape, std::uint16_t bad) {
    Parts parts;
    if (name == "n.codebook.1") {
      parts.metadata["n.mode"] = "codebook";
      parts.tensors.erase("n.alpha.1");
    }
    std::size_t count = 1;
    for (const std::uint64_t extent : shape) count *= extent;
    parts.set(name, Dtype::f16, std::move(shape), 2 * count);
    const std::string value = raw(bad);
    std::copy(value.begin(), value.end(), parts.tensors[name].bytes.end() - 2);
    return error_of_parts(parts);
  };
  for (const std::uint16_t bad :
       std::initializer_list<std::uint16_t>{0x7C00, 0xFC00, 0x7E00, 0xFC01}) {
    CHECK(code("n.alpha.1", {1, 1, 1}, bad).code() == ErrorCode::layer_not_finite);
    CHECK(code("n.beta.1", {1, 1}, bad).code() == ErrorCode::layer_not_finite);
    CHECK(code("n.codebook.1", {1, 2}, bad).code() == ErrorCode::layer_not_finite);
  }
  const Error error = code("n.codebook.1", {1, 2}, 0x7C00);
  CHECK(error.parts().found.find("[0, 1]") != std::string::npos);
  CHECK(error.parts().place.find("n.codebook.1") != std::string::npos);
}

TEST_CASE("a NaN in a precision that is not asked for is refused as well") {
  Layer layer = small_bcq();
  layer.precisions[2].alpha[3] = Half{0x7E00};
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  write_layers(path, std::span(&layer, 1));
  CHECK(error_of([&] { read_layer(path, layer.name); }).code() == ErrorCode::layer_not_finite);
}

TEST_CASE("a NaN in another layer of the file does not matter") {
  Layer bad = small_codebook();
  bad.precisions[2].codebook[0] = Half{0x7C00};
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  write_layers(path, std::vector<Layer>{small_bcq(), bad});
  check_same(read_layer(path, small_bcq().name), small_bcq());
}

TEST_CASE("a layer whose name begins like another layer's tables is told apart") {
  Layer outer = small_bcq();
  outer.name = "a";
  Layer inner = small_bcq();
  inner.name = "a.alpha.7";
  const ScratchFolder folder;
  const auto path = folder.path("w.safetensors");
  write_layers(path, std::vector<Layer>{outer, inner});
  check_same(read_layer(path, "a"), outer);
  check_same(read_layer(path, "a.alpha.7"), inner);
}

TEST_CASE("binary16 activations are read back bit for bit, NaN and all") {
  const Activations acts{2, 2, {Half{0x7E01}, Half{0xFC00}, Half{0x8000}, Half{0x0001}}};
  const ScratchFolder folder;
  const auto path = folder.path("x.safetensors");
  write_activations(path, acts);
  const Activations back = read_activations(path);
  CHECK(back.tokens == 2);
  CHECK(back.k == 2);
  CHECK(back.x == acts.x);
}

TEST_CASE("activations of other float types are rounded to nearest, ties to even") {
  // 1 + 2^-11 is half way between 1 and 1 + 2^-10; one F64 unit above it is not.
  const std::vector<Half> one =
      read_x(Dtype::f32, {1, 3}, f32(1.0F + 0x1p-11F) + f32(1.0F + 0x3p-11F) + f32(-0.0F)).x;
  CHECK(one == std::vector<Half>{Half{0x3C00}, Half{0x3C02}, Half{0x8000}});
  const std::vector<Half> two =
      read_x(Dtype::f64, {2, 2},
             f64(1.0 + 0x1p-11 + 0x1p-52) + f64(0x1p-25) + f64(0x1.8p-24) + f64(65519.999))
          .x;
  CHECK(two == std::vector<Half>{Half{0x3C01}, Half{0x0000}, Half{0x0002}, Half{0x7BFF}});
  // BF16: 1.5, -2^-133 (subnormal there, far below binary16), infinity, NaN.
  const std::vector<Half> three =
      read_x(Dtype::bf16, {1, 4},
             raw(std::uint16_t{0x3FC0}) + raw(std::uint16_t{0x8001}) + raw(std::uint16_t{0x7F80}) +
                 raw(std::uint16_t{0x7FC0}))
          .x;
  CHECK(three[0] == Half{0x3E00});
  CHECK(three[1] == Half{0x8000});
  CHECK(three[2] == Half{0x7C00});
  CHECK((three[3].bits & 0x7FFF) > 0x7C00);
}

TEST_CASE("a finite activation beyond binary16 is refused by index, an infinite one is kept") {
  const std::string inf = f32(std::numeric_limits<float>::infinity());
  CHECK(read_x(Dtype::f32, {1, 1}, inf).x == std::vector<Half>{Half{0x7C00}});
  const Error error = error_of([&] {
    read_x(Dtype::f32, {2, 2}, inf + f32(1) + f32(-65520) + f32(1));
  });
  CHECK(error.code() == ErrorCode::acts_overflow);
  CHECK(error.parts().place.find("[1, 0]") != std::string::npos);
}

TEST_CASE("activations that are missing, not floats or not a matrix are refused") {
  const ScratchFolder folder;
  const auto path = folder.path("x.safetensors");
  write_safetensors(path, kFormat, {{"z", Dtype::f16, {1, 1}, {0, 0}}});
  CHECK(error_of([&] { read_activations(path); }).code() == ErrorCode::acts_tensor);
  const auto code = [](Dtype dtype, const Shape& shape, std::size_t bytes) {
    return error_of([&] { read_x(dtype, shape, std::string(bytes, '\0')); }).code();
  };
  CHECK(code(Dtype::i16, {1, 1}, 2) == ErrorCode::acts_dtype);
  CHECK(code(Dtype::f8_e4m3, {1, 1}, 1) == ErrorCode::acts_dtype);
  CHECK(code(Dtype::f16, {2}, 4) == ErrorCode::acts_shape);
  CHECK(code(Dtype::f16, {1, 1, 1}, 2) == ErrorCode::acts_shape);
  CHECK(code(Dtype::f16, {0, 4}, 0) == ErrorCode::acts_shape);
  CHECK(code(Dtype::f16, {4, 0}, 0) == ErrorCode::acts_shape);
  CHECK(code(Dtype::f16, {1, 1048577}, 2097154) == ErrorCode::acts_shape);
}

TEST_CASE("outputs of both formats are read back as they were written") {
  const ScratchFolder folder;
  const auto path = folder.path("y.safetensors");
  const Outputs wide{OutputFormat::binary32, 1, 2, {0x7FC00000, 0x3F800001}};
  const Outputs half{OutputFormat::binary16, 2, 1, {0x7E00, 0x8001}};
  write_outputs(path, wide);
  CHECK(read_outputs(path) == wide);
  write_outputs(path, half);
  CHECK(read_outputs(path) == half);
  CHECK(output_bytes(wide) == std::vector<std::uint8_t>{0, 0, 0xC0, 0x7F, 1, 0, 0x80, 0x3F});
  CHECK(output_bytes(half) == std::vector<std::uint8_t>{0x00, 0x7E, 0x01, 0x80});
}

TEST_CASE("an output file without a matrix y of a known type is refused") {
  const ScratchFolder folder;
  const auto path = folder.path("y.safetensors");
  const NamedTensor wrong[] = {{"x", Dtype::f32, {1, 1}, {0, 0, 0, 0}},
                               {"y", Dtype::f32, {1}, {0, 0, 0, 0}},
                               {"y", Dtype::bf16, {1, 1}, {0, 0}}};
  for (const NamedTensor& tensor : wrong) {
    write_safetensors(path, kFormat, {tensor});
    CHECK(error_of([&] { read_outputs(path); }).code() == ErrorCode::outputs_tensor);
  }
}
