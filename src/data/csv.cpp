// SPDX-License-Identifier: MIT
#include "meha/data/csv.hpp"

#include "meha/core/error.hpp"
#include "meha/data/cell.hpp"
#include "meha/data/row_encoder.hpp"
#include "meha/data/text_number.hpp"
#include "text_files.hpp"

namespace meha {
namespace {

class CsvSource : public RowSource {
 public:
  CsvSource(std::shared_ptr<const TextFile> file, std::shared_ptr<const Learnt> learnt, bool may_lack_labels)
      : file_(std::move(file)),
        learnt_(std::move(learnt)),
        may_lack_labels_(may_lack_labels),
        encoder_(learnt_->columns),
        rows_(file_->paths.features, file_->header) {
    if (file_->has_labels_file()) {
      labels_ = std::make_unique<TextRows>(file_->paths.labels, file_->label_header);
    }
  }

  Table read(Index n) override {
    Table table;
    table.name = file_->paths.features;
    table.n_features = learnt_->columns.n_features;
    table.element = learnt_->columns.is_sparse ? Storage::Sparse : Storage::Float32;
    if (learnt_->columns.is_sparse) {
      table.first_entry.push_back(0);
    }
    table.class_names = learnt_->classes.names();
    Faults faults(file_->paths.features);
    bool ended = false;
    while (table.n_rows < n && !ended) {
      ended = !rows_.next(faults);
      if (!ended) {
        add_row(table, faults);
      }
    }
    faults.throw_if_any();
    if (n_rows_ == table.n_rows) {  // the first band
      table.notes = file_->notes;
      table.columns = json_of(learnt_->columns);
    }
    if (ended && !ended_) {
      finish(table);
    }
    ended_ = ended;
    return table;
  }
  [[nodiscard]] Real part_read() const override { return rows_.file().part_read(); }
  [[nodiscard]] bool is_text() const override { return true; }

 private:
  void add_row(Table& table, Faults& faults) {
    if (labels_ && !labels_->next(faults)) {
      fail_lengths(labels_->file().path(), n_labels_, n_labels_ + 1, faults);
    }
    ++n_labels_;
    const TextRows& with_label = labels_ ? *labels_ : rows_;
    const std::string_view label = with_label.value(file_->label);
    if (may_lack_labels_ && is_gap(label)) {
      return;
    }
    encoder_.begin();
    for (std::size_t i = 0; i < file_->place_of.size(); ++i) {
      if (const std::size_t place = file_->place_of[i]; place != no_column) {
        if (const std::string why = encoder_.set(i, rows_.value(place)); !why.empty()) {
          faults.add(rows_.place() + name_of_column(file_->header, place) + why);
        }
      }
    }
    encoder_.append_to(table);
    table.lines.push_back(rows_.line());
    ++table.n_rows;
    ++n_rows_;
    std::string why;
    if (learnt_->targets == Targets::Numbers) {
      table.numbers.push_back(finite_number(label, why).value_or(0));
      return;
    }
    const auto number = learnt_->classes.class_of(label);
    if (!number) {
      throw Error(ExitCode::Data, with_label.file().path() + ": was changed while it was read");
    }
    const auto k = static_cast<std::size_t>(*number);
    table.labels.push_back(k < file_->class_of.size() ? file_->class_of[k] : *number);
  }

  [[noreturn]] void fail_lengths(const std::string& labels, Index n_labels, Index n_rows, Faults& faults) {
    for (; rows_.next(faults); ++n_rows) {
    }
    throw Error(ExitCode::Data, labels + ": " + std::to_string(n_labels) + " labels, but " + file_->paths.features +
                                    " has " + std::to_string(n_rows) + " rows: the files do not belong together");
  }

  void finish(Table& table) {
    Faults faults(file_->paths.features);
    if (labels_ && labels_->next(faults)) {
      Index n_labels = n_labels_ + 1;
      for (; labels_->next(faults); ++n_labels) {
      }
      fail_lengths(labels_->file().path(), n_labels, n_labels_, faults);
    }
    if (file_->header.n_rows && *file_->header.n_rows != n_rows_) {
      rows_.file().fail(std::to_string(n_rows_) + " rows, but its first line says " +
                        std::to_string(*file_->header.n_rows) + ": the file is truncated or damaged");
    }
    const Conversions& did = encoder_.conversions();
    if (did.n_filled > 0) {
      table.notes.push_back(std::to_string(did.n_filled) + " missing values are filled with the mean of their column");
    }
    if (did.n_unknown > 0) {
      table.notes.push_back(std::to_string(did.n_unknown) +
                            " values of categories do not stand in the training file and count as none");
    }
  }

  std::shared_ptr<const TextFile> file_;
  std::shared_ptr<const Learnt> learnt_;
  bool may_lack_labels_;
  RowEncoder encoder_;
  TextRows rows_;
  std::unique_ptr<TextRows> labels_;
  Index n_rows_ = 0, n_labels_ = 0;  // so far
  bool ended_ = false;
};

}  // namespace

RowSources csv_rows(const DataFiles& all) {
  const TextFiles text = learn_text(all);
  RowSources sources;
  for (const auto& file : text.files) {
    sources.push_back(std::make_unique<CsvSource>(file, text.learnt, file != text.files.front()));
  }
  return sources;
}

Table read_csv(const std::string& path, const std::string& label_column, const std::string& labels_path,
               Targets targets) {
  return read_all(*csv_rows(path, label_column, labels_path, targets));
}

std::unique_ptr<RowSource> csv_rows(const std::string& path, const std::string& label_column,
                                    const std::string& labels_path, Targets targets) {
  return std::move(
      csv_rows({.files = {{.features = path, .labels = labels_path}}, .label_column = label_column, .targets = targets})
          .front());
}

}  // namespace meha
