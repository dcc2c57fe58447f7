// SPDX-License-Identifier: Apache-2.0
#include "sw/io/safetensors.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <random>
#include <stdexcept>

#include "tests/sw/io/io_test_support.hpp"

namespace {

using namespace bitloom;

ErrorCode code_of_reading(const std::string& bytes) {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t.safetensors"), bytes);
  return error_of([&] { const SafetensorsFile file(path); }).code();
}

ErrorCode code_of_header(const std::string& header, std::size_t data_bytes) {
  return code_of_reading(raw_safetensors(header, data_bytes));
}

const std::string kTwo =
    R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
    R"("b":{"dtype":"F16","shape":[2,1],"data_offsets":[3,7]},"__metadata__":{"who":"me"}})";

}  // namespace

TEST_CASE("a file put together by hand is read as it is") {
  const ScratchFolder folder;
  const SafetensorsFile file(write_bytes(folder.path("t"), raw_safetensors(kTwo + "   ", 7)));
  CHECK(file.metadata() == std::map<std::string, std::string>{{"who", "me"}});
  REQUIRE(file.tensors().size() == 2);
  const TensorInfo& b = file.tensors().at("b");
  CHECK(b.dtype == Dtype::f16);
  CHECK(b.shape == Shape{2, 1});
  CHECK(file.read(file.tensors().at("a")) == std::vector<std::uint8_t>{0, 1, 2});
  CHECK(file.read(b) == std::vector<std::uint8_t>{3, 4, 5, 6});
}

TEST_CASE("every element type of the format has its name and size") {
  const std::string names[] = {"BOOL", "U8",  "I8",  "F8_E4M3", "F8_E5M2", "U16", "I16", "F16",
                               "BF16", "U32", "I32", "F32",     "U64",     "I64", "F64"};
  const std::size_t sizes[] = {1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8};
  for (std::size_t i = 0; i < 15; ++i) {
    CHECK(dtype_name(static_cast<Dtype>(i)) == names[i]);
    CHECK(dtype_bytes(static_cast<Dtype>(i)) == sizes[i]);
  }
}

TEST_CASE("what is written is read back, wide element types first") {
  const ScratchFolder folder;
  const auto path = folder.path("t.safetensors");
  write_safetensors(path, {{"k", "v"}},
                    {{"bytes", Dtype::u8, {3}, {1, 2, 3}},
                     {"wide", Dtype::f32, {1, 2}, {8, 7, 6, 5, 4, 3, 2, 1}},
                     {"none", Dtype::f16, {0, 4}, {}}});
  const SafetensorsFile file(path);
  CHECK(file.metadata().at("k") == "v");
  CHECK(file.tensors().at("wide").begin == 0);
  CHECK(file.tensors().at("wide").shape == Shape{1, 2});
  CHECK(file.read(file.tensors().at("bytes")) == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(file.read(file.tensors().at("none")).empty());
  CHECK(folder.entries() == std::vector<std::string>{"t.safetensors"});
  // The header is padded so that the data starts at a multiple of 8 bytes.
  CHECK(read_bytes(path).size() % 8 == 11 % 8);
}

TEST_CASE("a file that ends in its header is truncated") {
  CHECK(code_of_reading("") == ErrorCode::st_truncated);
  CHECK(code_of_reading("1234567") == ErrorCode::st_truncated);
  CHECK(code_of_reading(raw(std::uint64_t{10}) + "{}") == ErrorCode::st_truncated);
}

TEST_CASE("a header length beyond the limit is refused before anything is allocated") {
  CHECK(code_of_reading(raw(~std::uint64_t{0}) + "{}") == ErrorCode::st_header_length);
  CHECK(code_of_reading(raw(kMaxHeaderBytes + 1) + "{}") == ErrorCode::st_header_length);
  CHECK(code_of_reading(raw(kMaxHeaderBytes) + "{}") == ErrorCode::st_truncated);
}

TEST_CASE("a header that is not the JSON of the format is refused") {
  const std::string headers[] = {
      "",
      "{",
      "[]",
      "7",
      "\"x\"",
      "{\"\xFF\":1}",
      R"({"a":7})",
      R"({"a":{}})",
      R"({"a":{"dtype":"U8","shape":[1]}})",
      R"({"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})",
      R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})",
      R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})",
      R"({"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}})",
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})",
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":["0","1"]}})",
      R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})",
      R"({"__metadata__":[]})",
      R"({"__metadata__":{"a":1}})",
      std::string(100000, '['),
  };
  for (const std::string& header : headers) {
    CAPTURE(header.substr(0, 80));
    CHECK(code_of_header(header, 1) == ErrorCode::st_header);
  }
}

TEST_CASE("a name that stands twice is refused") {
  const std::string one = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  CHECK(code_of_header(R"({"a":)" + one + R"(,"a":)" + one + "}", 1) == ErrorCode::st_duplicate);
  CHECK(code_of_header(R"({"__metadata__":{"a":"1","a":"2"}})", 0) == ErrorCode::st_duplicate);
  CHECK(code_of_header(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                       1) == ErrorCode::st_duplicate);
}

TEST_CASE("an unknown element type is refused") {
  CHECK(code_of_header(R"({"a":{"dtype":"F12","shape":[1],"data_offsets":[0,1]}})", 1) ==
        ErrorCode::st_dtype);
  CHECK(code_of_header(R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,1]}})", 1) ==
        ErrorCode::st_dtype);
}

TEST_CASE("a message stays one short line, whatever names a file holds") {
  const std::string name = R"(a\n\u001b[2J)" + std::string(100000, 'x');
  const std::string tensor = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  const std::string headers[] = {
      R"({")" + name + R"(":7})",
      R"({"a":{"dtype":")" + name + R"(","shape":[1],"data_offsets":[0,1]}})",
      R"({"__metadata__":{")" + name + R"(":1}})",
      R"({")" + name + R"(":)" + tensor + R"(,")" + name + R"(":)" + tensor + "}",
      R"({"a":")" + name + "\n",
  };
  const ScratchFolder folder;
  for (const std::string& header : headers) {
    const auto path = write_bytes(folder.path("t"), raw_safetensors(header, 1));
    const std::string message = error_of([&] { const SafetensorsFile file(path); }).what();
    CAPTURE(message.substr(0, 400));
    CHECK(message.size() < 400 + path.string().size());
    CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST_CASE("a shape that does not give the tensor's bytes is refused, also when it overflows") {
  const auto code = [](const std::string& shape, const std::string& offsets, std::size_t bytes) {
    return code_of_header(
        R"({"a":{"dtype":"F16","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", bytes);
  };
  for (const char* shape : {"[2]", "[0]", "[1,3]", "[18446744073709551615]"})
    CHECK(code(shape, "[0,2]", 2) == ErrorCode::st_size);
  // 2 * 3 * 3074457345618258603 is 2^64 + 2, and 2 * 2^63 is 2^64.
  CHECK(code("[3,3074457345618258603]", "[0,2]", 2) == ErrorCode::st_size);
  CHECK(code("[9223372036854775808]", "[0,0]", 0) == ErrorCode::st_size);
}

TEST_CASE("a tensor outside the file is refused") {
  for (const char* offsets : {"[0,5]", "[4,8]", "[3,2]", "[0,18446744073709551615]",
                              "[18446744073709551614,18446744073709551615]"}) {
    const std::string header =
        R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(offsets) + "}}";
    CAPTURE(header);
    CHECK(code_of_header(header, 4) == ErrorCode::st_bounds);
  }
}

TEST_CASE("tensors that overlap are refused") {
  CHECK(code_of_header(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                       R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                       4) == ErrorCode::st_overlap);
}

TEST_CASE("bytes that belong to no tensor are refused") {
  const std::string one = R"({"dtype":"U8","shape":[2],"data_offsets":)";
  CHECK(code_of_header(R"({"a":)" + one + "[1,3]}}", 3) == ErrorCode::st_gap);
  CHECK(code_of_header(R"({"a":)" + one + "[0,2]}}", 3) == ErrorCode::st_gap);
  CHECK(code_of_header(R"({"a":)" + one + R"([0,2]},"b":)" + one + "[3,5]}}", 5) ==
        ErrorCode::st_gap);
  CHECK(code_of_header("{}", 1) == ErrorCode::st_gap);
}

TEST_CASE("no single changed or missing byte of a file crashes the reader") {
  const ScratchFolder folder;
  const std::string good = raw_safetensors(kTwo, 7);
  std::mt19937 random(1);
  const auto read_all = [&](const std::string& bytes) {
    try {
      const SafetensorsFile file(write_bytes(folder.path("t"), bytes));
      for (const auto& [name, info] : file.tensors()) (void)file.read(info);
    } catch (const Error&) {  // any code will do: what matters is that nothing else happens
    }
  };
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_NOTHROW(read_all(good.substr(0, length)));
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    CHECK_NOTHROW(read_all(bytes));
  }
}

TEST_CASE("what is not a readable regular file is refused and does not hang") {
  const ScratchFolder folder;
  const auto code = [](const std::filesystem::path& path) {
    return error_of([&] { const SafetensorsFile file(path); }).code();
  };
  CHECK(code(folder.path("missing")) == ErrorCode::io_read);
  CHECK(code(folder.path("")) == ErrorCode::io_read);
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(code(folder.path("pipe")) == ErrorCode::io_read);
}

TEST_CASE("a file that shrinks while it is read is an error, not a crash") {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t"), raw_safetensors(kTwo, 7));
  const SafetensorsFile file(path);
  REQUIRE(::truncate(path.c_str(), 20) == 0);
  CHECK(error_of([&] { (void)file.read(file.tensors().at("b")); }).code() == ErrorCode::io_read);
}

TEST_CASE("what the JSON library would skip around a header is refused") {
  const ScratchFolder folder;
  const std::vector<std::string> headers = {"\xEF\xBB\xBF{}", " {}", std::string("{}\0 ", 4), ""};
  for (const std::string& header : headers) {
    const auto path = write_bytes(folder.path("t"), raw_safetensors(header, 0));
    CHECK(error_of([&] { SafetensorsFile file(path); }).code() == ErrorCode::st_header);
  }
}

TEST_CASE("a writer takes its tensors in any order, each once and all of them") {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t"), "old");
  const std::vector<std::uint8_t> two = {1, 2};
  {
    SafetensorsWriter writer(path, {}, {{"a", Dtype::u8, {2}}, {"b", Dtype::u16, {1}}});
    CHECK_THROWS_AS(writer.write("c", two), std::logic_error);
    CHECK_THROWS_AS(writer.write("a", std::vector<std::uint8_t>(3)), std::logic_error);
    writer.write("a", two);
    CHECK_THROWS_AS(writer.write("a", two), std::logic_error);
    CHECK_THROWS_AS(writer.commit(), std::logic_error);
    CHECK(read_bytes(path) == "old");
    writer.write("b", std::vector<std::uint8_t>{3, 4});
    writer.commit();
  }
  const SafetensorsFile file(path);
  CHECK(file.tensors().at("b").begin == 0);
  CHECK(file.read(file.tensors().at("a")) == two);
  CHECK(file.read(file.tensors().at("b"), 1, 1) == std::vector<std::uint8_t>{4});
}

TEST_CASE("a tensor is written part by part, and a failure of its reader leaves the old file") {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t"), "old");
  std::vector<std::uint8_t> bytes((std::size_t{5} << 20) / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i / 255);
  const auto write = [&](const ReadPart& read) {
    SafetensorsWriter writer(path, {}, {{"a", Dtype::u8, {bytes.size()}}, {"e", Dtype::u8, {0}}});
    CHECK_THROWS_AS(writer.write("b", read), std::logic_error);
    writer.write("a", read);
    writer.write("e", read);
    writer.commit();
  };
  const auto part = [&](std::uint64_t offset, std::size_t length) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    return std::vector(begin, begin + static_cast<std::ptrdiff_t>(length));
  };
  const auto failing = [&](std::uint64_t offset, std::size_t length) {
    if (offset > 0) throw Error(ErrorCode::io_read, {"p", "f", "e", "a"});
    return part(offset, length);
  };
  CHECK(error_of([&] { write(failing); }).code() == ErrorCode::io_read);
  CHECK(read_bytes(path) == "old");
  write(part);
  const SafetensorsFile file(path);
  CHECK(file.read(file.tensors().at("a")) == bytes);
}

TEST_CASE("a file of very many tensors is read in time that grows with their number") {
  // 100,000 tensors took minutes while reading was quadratic; the test's time limit would notice.
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < 100'000; ++i) tensors.push_back({std::to_string(i), Dtype::u8, {0}, {}});
  const ScratchFolder folder;
  write_safetensors(folder.path("t"), {}, tensors);
  CHECK(SafetensorsFile(folder.path("t")).tensors().size() == tensors.size());
}

TEST_CASE("an output that cannot be written is an error and leaves the old file alone") {
  const ScratchFolder folder;
  const auto code = [](const std::filesystem::path& path) {
    return error_of([&] { write_safetensors(path, {}, {}); }).code();
  };
  CHECK(code(folder.path("no/such/folder/t")) == ErrorCode::output_path);
  // What is not a file is not replaced by one: a folder, a pipe (and so a device).
  std::filesystem::create_directory(folder.path("taken"));
  CHECK(code(folder.path("taken")) == ErrorCode::output_path);
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(code(folder.path("pipe")) == ErrorCode::output_path);
  CHECK(std::filesystem::is_fifo(folder.path("pipe")));
  CHECK(folder.entries() == std::vector<std::string>{"pipe", "taken"});
}

TEST_CASE("an output that is given up or fails half way leaves the old file alone") {
  const ScratchFolder folder;
  const auto path = write_bytes(folder.path("t"), "old");
  {
    OutputFile file(path);
    file.write(std::vector<std::uint8_t>(10, 1));
  }
  CHECK(read_bytes(path) == "old");

  // A limit on the size of files stands in for a full disk.
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  rlimit limit = old_limit;
  limit.rlim_cur = 4096;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const std::vector<NamedTensor> tensors = {
      {"a", Dtype::u8, {5000}, std::vector<std::uint8_t>(5000)}};
  const Error error = error_of([&] { write_safetensors(path, {}, tensors); });
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  CHECK(error.code() == ErrorCode::output_path);
  CHECK(read_bytes(path) == "old");
  CHECK(folder.entries() == std::vector<std::string>{"t"});
}
