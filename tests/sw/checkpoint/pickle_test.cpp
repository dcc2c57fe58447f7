// SPDX-License-Identifier: Apache-2.0
// Pickles written by hand, opcode by opcode, from the description in Python's pickletools.
#include "sw/checkpoint/pickle.hpp"

#include <catch2/catch.hpp>

#include "tests/sw/io/io_test_support.hpp"

namespace bitloom {
namespace {

using namespace std::string_literals;

std::map<std::string, PickledTensor> load(const std::string& pickle) {
  return read_state_dict({reinterpret_cast<const std::uint8_t*>(pickle.data()), pickle.size()},
                         "p");
}

// What the error for a pickle says was found.
std::string refusal(const std::string& pickle) {
  const Error error = error_of([&pickle] { load(pickle); });
  REQUIRE(error.code() == ErrorCode::checkpoint_pickle);
  return error.parts().found;
}

std::string text(const std::string& value) {
  return "X"s + raw(static_cast<std::uint32_t>(value.size())) + value;
}

const std::string kStorage =
    "("s + text("storage") + "ctorch\nHalfStorage\n" + text("7") + text("cpu") + "K\x06tQ";

// A tensor [2, 3] from element 0 of its storage on.
std::string tensor(const std::string& storage = kStorage,
                   const std::string& rest = "K\0K\x02K\x03\x86K\x03K\x01\x86\x89)"s) {
  return "ctorch._utils\n_rebuild_tensor_v2\n("s + storage + rest + "tR";
}

std::string dictionary(const std::string& items) { return "\x80\x02}("s + items + "u."; }

TEST_CASE("A dictionary of tensors is read") {
  const auto tensors = load(dictionary(text("w") + tensor() + text("epoch") + "K\x05"));
  REQUIRE(tensors.size() == 1);
  const PickledTensor& w = tensors.at("w");
  CHECK(w.dtype == Dtype::f16);
  CHECK(w.storage == "7");
  CHECK(w.storage_elements == 6);
  CHECK(w.offset == 0);
  CHECK(w.shape == Shape{2, 3});
  CHECK(w.stride == Shape{3, 1});
}

TEST_CASE("Containers, the memo, numbers of all sizes and a parameter's wrapper are read") {
  const std::string remembered =
      dictionary(text("list") + "]q\x01(K\x01M\x02\x01" + "J\xFF\xFF\xFF\xFFG" +
                 std::string(8, '\x3F') + "Ne" + "X\x01\0\0\0bh\x01"s + text("w") +
                 "ctorch._utils\n_rebuild_parameter\n(" + tensor() + "\x88)tR");
  CHECK(load(remembered).at("w").shape == Shape{2, 3});
  // An OrderedDict with attributes, as the state dictionaries of modules are.
  const std::string ordered = "\x80\x02" + "ccollections\nOrderedDict\n)R("s + text("w") +
                              tensor() + "u}" + text("_metadata") + "}sb.";
  CHECK(load(ordered).size() == 1);
}

TEST_CASE("Whatever a pickle calls or names is refused by its name") {
  CHECK(refusal("\x80\x02"s + "cos\nsystem\n" + text("id") + "\x85R.") == "a use of \"os.system\"");
  CHECK(refusal("\x80\x04"s + "\x8c\x08" + "builtins\x8c\x04" + "eval\x93.") ==
        "a use of \"builtins.eval\"");
  CHECK(refusal("\x80\x02"s + "ctorch\nload\n.") == "a use of \"torch.load\"");
  CHECK(refusal("\x80\x02"s + "ctorch.storage\nHalfStorage\n.") ==
        "a use of \"torch.storage.HalfStorage\"");
  CHECK(refusal("\x80\x02"s + "cos\nsys\x01\n.") == "a use of \"os.sys\\x01\"");
  // INST, OBJ, NEWOBJ, EXT1 and PERSID reach classes by other ways.
  for (const char* pickle : {"(ios\nsystem\n.", "(cos\nsystem\no.", "\x81", "\x82\x01", "Pid\n."})
    CHECK_THAT(refusal("\x80\x02"s + pickle),
               Catch::StartsWith("opcode 0x") || Catch::Equals("a use of \"os.system\""));
}

TEST_CASE("Calls are made with tensors and containers only") {
  CHECK(refusal("\x80\x02"s + text("f") + ")R.") == "another value");
  CHECK(refusal("\x80\x02"s + "ccollections\nOrderedDict\n]\x85R.") ==
        "an OrderedDict with arguments");
  CHECK(refusal("\x80\x02"s + "ctorch._utils\n_rebuild_parameter\n]\x85R.") == "another value");
  CHECK(refusal("\x80\x02"s + "ctorch._utils\n_rebuild_tensor_v2\n)R.") ==
        "a tensor of 0 arguments");
  CHECK(refusal("\x80\x02}}b.") == "attributes of a dict");
  CHECK(refusal("\x80\x02]}b.") == "another value");
  CHECK(refusal("\x80\x02"s + "K\x01Q.") == "another value");
  CHECK(refusal("\x80\x02"s + "(K\x01K\x02tQ.") == "another persistent object");
}

TEST_CASE("Tensors of impossible sizes are refused") {
  const auto of = [](const std::string& rest) {
    return dictionary(text("w") + tensor(kStorage, rest));
  };
  CHECK(refusal(of("J\xFF\xFF\xFF\xFF))\x89)"s)) == "-1");
  CHECK(refusal(of("K\0K\x02\x85)\x89)"s)) == "1 sizes and 0 strides");
  CHECK(refusal(of("K\0(KKKKKKKKKKKKKKKKKKt)\x89)"s)) == "a tuple of 9");
  const std::string long_key = "("s + text("storage") + "ctorch\nHalfStorage\n" +
                               text(std::string(65, 'k')) + text("cpu") + "K\x06tQ";
  CHECK(refusal(dictionary(text("w") + tensor(long_key))) == "a key of 65 bytes");
  CHECK(refusal("\x80\x02\x8a\x09"s + std::string(9, '\x01') + ".") == "a number of 9 bytes");
}

TEST_CASE("Damaged pickles are refused") {
  const std::string good = dictionary(text("w") + tensor());
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_NOTHROW(refusal(good.substr(0, length)));
  CHECK(refusal("\x80\x02h\x05."s) == "memo 5");
  CHECK(refusal("\x80\x02q\x05."s) == "an empty stack");
  CHECK(refusal("\x80\x02t."s) == "no mark on the stack");
  CHECK(refusal("\x80\x02."s) == "an empty stack");
  CHECK(refusal("\x80\x02K\x01."s) == "another value");
  CHECK(refusal("\x80\x02(K\x01"s + "a.") == "another value");
  CHECK(refusal("\x80\x02]K\x01K\x02s."s) == "another value");
  CHECK(refusal("\x80\x02}(K\x01u."s) == "a key without a value");
  CHECK(refusal("\x80\x01}."s) == "protocol 1");
  CHECK(refusal("\x80\x06}."s) == "protocol 6");
  CHECK(refusal("\x80\x02X\xFF\xFF\xFF\xFF" + "ab"s) == "2 bytes where 4294967295 are needed");
  CHECK(refusal(dictionary("K\x01" + tensor())) == "another value");
  CHECK(refusal(dictionary(text("w") + tensor() + text("w") + tensor())) == "\"w\" twice");
}

TEST_CASE("Pickles that would grow or recurse without end in Python cost what they are long") {
  // A list that holds itself, tuples nested a million deep, and doubled tuples: 2^1000 leaves.
  CHECK(load("\x80\x02}"s + text("l") + "]q\x01h\x01" + "as.").empty());
  CHECK(load("\x80\x02}"s + text("t") + ")" + std::string(1'000'000, '\x85') + "s.").empty());
  std::string doubled;
  for (int i = 0; i < 1000; ++i) doubled += "q\x01h\x01\x86";
  CHECK(load("\x80\x02}"s + text("t") + ")" + doubled + "s.").empty());
}

TEST_CASE("A pickle that is written is read back") {
  const std::vector<TensorSpec> specs = {{"a", Dtype::f16, {2, 3}},
                                         {"b", Dtype::i32, {}},
                                         {"c", Dtype::bf16, {0, 5}},
                                         {"d", Dtype::f32, {4}}};
  const std::vector<std::uint8_t> pickle = write_state_dict(specs);
  const auto tensors = read_state_dict(pickle, "p");
  REQUIRE(tensors.size() == specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const PickledTensor& tensor = tensors.at(specs[i].name);
    CHECK(tensor.dtype == specs[i].dtype);
    CHECK(tensor.shape == specs[i].shape);
    CHECK(tensor.storage == std::to_string(i));
    CHECK(tensor.offset == 0);
  }
  CHECK(tensors.at("a").stride == Shape{3, 1});
  CHECK(tensors.at("c").stride == Shape{5, 1});
  CHECK(torch_strides({5, 0, 2}) == Shape{2, 2, 1});
  CHECK(tensors.at("a").storage_elements == 6);
  CHECK_FALSE(torch_has(Dtype::f8_e4m3));
  CHECK(torch_has(Dtype::u8));
}

}  // namespace
}  // namespace bitloom
