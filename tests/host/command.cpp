// SPDX-License-Identifier: Apache-2.0
#include "tests/host/command.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace host_test {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& argument) {
  std::string text = "'";
  for (const char c : argument) {
    if (c == '\'') text += "'\\'";
    text += c;
  }
  text += '\'';
  return text;
}

std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
  return bytes;
}

}  // namespace

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

Outcome bitloom(const std::vector<std::string>& arguments, const fs::path& directory) {
  const Scratch scratch;
  std::ostringstream command;
  command << "cd " << quoted(directory.string()) << " && exec " << quoted(BITLOOM_COMMAND);
  for (const std::string& argument : arguments) command << ' ' << quoted(argument);
  command << " >" << quoted((scratch / "out").string());
  command << " 2>" << quoted((scratch / "err").string());
  const int status = std::system(command.str().c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(scratch / "out"),
          read_text(scratch / "err")};
}

Scratch::Scratch() {
  std::string name = (fs::temp_directory_path() / "bitloom-host-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

Scratch::~Scratch() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, const std::map<std::string, std::string>& metadata,
                const std::vector<Tensor>& tensors) {
  std::ostringstream header;
  header << R"({"__metadata__":{)";
  const char* separator = "";
  for (const auto& [key, value] : metadata) {
    header << separator << '"' << key << "\":\"" << value << '"';
    separator = ",";
  }
  header << "}";
  std::size_t offset = 0;
  for (const Tensor& tensor : tensors) {
    header << ",\"" << tensor.name << R"(":{"dtype":")" << tensor.dtype << R"(","shape":[)";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      header << (i == 0 ? "" : ",") << tensor.shape[i];
    header << R"(],"data_offsets":[)" << offset << "," << offset + tensor.bytes.size() << "]}";
    offset += tensor.bytes.size();
  }
  header << "}";
  std::ofstream file(path, std::ios::binary);
  file << little_endian(header.str().size()) << header.str();
  for (const Tensor& tensor : tensors) file << tensor.bytes;
}

std::string half_bytes(const std::vector<std::uint16_t>& patterns) {
  std::string bytes;
  for (const std::uint16_t pattern : patterns) {
    bytes += static_cast<char>(pattern & 0xFF);
    bytes += static_cast<char>(pattern >> 8);
  }
  return bytes;
}

}  // namespace host_test
