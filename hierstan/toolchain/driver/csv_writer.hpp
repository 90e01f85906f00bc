// Rows and comments of an output CSV. One write per line, flushed: a run that is killed
// leaves whole rows, with either version of Stan.
#pragma once

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <stan/callbacks/json_writer.hpp>
#include <stan/callbacks/writer.hpp>

namespace driver {

// Opens `path` for writing with the wanted precision; an empty path means no file.
inline std::unique_ptr<std::ofstream> open_output(const std::string& path, int sig_figs) {
  if (path.empty()) return nullptr;
  auto file = std::make_unique<std::ofstream>(path);
  if (!file->good()) throw std::runtime_error("Cannot write to file \"" + path + "\"");
  if (sig_figs >= 0) file->precision(sig_figs);
  return file;
}

using JsonWriter = stan::callbacks::json_writer<std::ofstream>;

class CsvWriter final : public stan::callbacks::writer {
 public:
  CsvWriter() = default;  // writes nowhere
  CsvWriter(const std::string& path, int sig_figs)
      : file_(open_output(path, sig_figs)), path_(path) {
    if (file_) line_.precision(file_->precision());
  }

  void operator()(const std::vector<std::string>& names) override { row(names, ","); }
  void operator()(const std::vector<double>& values) override { row(values, ","); }
  void operator()() override { end_line("# "); }
  void operator()(const std::string& comment) override { end_line("# " + comment); }

  // Each column of a matrix is one row of the file. The two Stan versions hand matrices
  // over by different types.
#if __has_include(<stan/callbacks/concurrent_writer.hpp>)
  void operator()(const Eigen::Matrix<double, -1, -1>& values) override { columns(values); }
  void operator()(const Eigen::Matrix<double, -1, 1>& values) override { columns(values); }
  void operator()(const Eigen::Matrix<double, 1, -1>& values) override {
    columns(values.transpose());
  }
  bool is_valid() const noexcept override { return file_ != nullptr && file_->good(); }
#else
  void operator()(const Eigen::Ref<Eigen::Matrix<double, -1, -1>>& values) override {
    columns(values);
  }
#endif

  // Leaves out the first values of each column of a matrix: the service that generates
  // quantities of several fits hands over the parameters too, without naming them.
  void skip(std::size_t count) { skipped_ = static_cast<Eigen::Index>(count); }

  // Throws if anything could not be written, a full disk for instance.
  void finish() {
    if (file_ && !file_->good())
      throw std::runtime_error("Writing to file \"" + path_ + "\" failed");
  }

 private:
  template <class Values>
  void row(const Values& values, const char* separator) {
    if (!file_ || values.size() == 0) return;
    line_.str("");
    const char* before = "";
    for (const auto& value : values) {
      line_ << before << value;
      before = separator;
    }
    end_line(line_.str());
  }

  template <class Matrix>
  void columns(const Matrix& values) {
    for (Eigen::Index j = 0; j < values.cols(); ++j) {
      const Eigen::VectorXd column = values.col(j).tail(values.rows() - skipped_);
      row(std::vector<double>(column.data(), column.data() + column.size()), ", ");
    }
  }

  void end_line(const std::string& text) {
    if (file_) *file_ << text + "\n" << std::flush;
  }

  std::unique_ptr<std::ofstream> file_;
  std::string path_;
  std::ostringstream line_;
  Eigen::Index skipped_ = 0;
};

}  // namespace driver
