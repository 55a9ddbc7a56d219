import ArgumentParser
import Features
import Foundation

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Show the schemas that come with this tool, or propose one for a file.",
    discussion: """
      A schema says what the columns of the data mean. It is a YAML file with these keys:

        format      criteo, csv, tsv, libsvm, libfm or libffm
        separator   between columns: one character, or tab
        header      whether the first line names the columns
        quotes      whether fields may stand in double quotes
        trim        whether blanks around a column's text are no part of it
        columns     their names, where there is no header
        label       the column with 1, true, yes, or 0, -1, false, no;
                    a rule: rating >= 4; income == ">50K"; or the texts:
                    {column: y, positive: 2, negative: 1}
        timestamp   a column for `deepfm split --time`, and no field;
                    {column: at, format: day-first} where the data alone do
                    not tell; format is one of iso, day-first, month-first,
                    month-name, seconds, milliseconds, microseconds,
                    nanoseconds, or a pattern: %d/%m/%y %H:%M, YYMMDDHH
        ignore      columns that are no fields
        missing     texts that stand for a missing value; default [""]
        fields      a list; without it every other column is a category

      A field is a column's name, or a mapping with its name and these keys:

        type        categorical (default), numeric or multi-valued
        vocabulary  another field, whose features this one shares
        separator   multi-valued: between the values; default |
        pooling     multi-valued: mean (default) or sum
        transform   numeric: raw, log1p, standardise (default), min-max,
                    log-squared, or quantile
        buckets     quantile: how many; default 10
        missing     own (a feature of its own, default), skip, fail, mean,
                    or a number to put in its place
        indices     libsvm, libfm: the features of the field, such as 1-943

      Statistics (means, ranges, quantiles) come from the training data alone.
      """,
    subcommands: [Show.self, List.self, Infer.self])

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print a schema.")

    @Argument(help: ArgumentHelp("A preset's name, or a file.", valueName: "name|file"))
    var name: String

    func run() throws {
      if let preset = SchemaPreset(rawValue: name) {
        print(preset.yaml, terminator: "")
      } else {
        print(try Schema.named(name).yaml, terminator: "")
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Name the presets.")

    func run() { for preset in SchemaPreset.allCases { print(preset.rawValue) } }
  }

  struct Infer: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Propose a schema from a file's header and first rows.",
      discussion: """
        Prints the schema to standard output, to be kept in a file and looked over, and to standard error a table of \
        what each column looks like: its part in the schema, how many distinct values the sample has, the share of \
        rows without one, and examples. What is a guess is said in comments at the top of the schema, with what else it \
        could be.

          deepfm schema infer clicks.csv.gz > schema.yaml
        """)

    @Argument(help: ArgumentHelp("Data: a file, a directory, a pattern, or - for standard input.", valueName: "file"))
    var file: String

    func run() throws {
      let inference = try SchemaInference(file: file)
      Console().say(Self.table(inference))
      for remark in inference.remarks { print("# \(remark.split(whereSeparator: \.isNewline).joined(separator: " "))") }
      print(inference.schema.yaml, terminator: "")
    }

    static func table(_ inference: SchemaInference) -> String {
      let title =
        "\(Format.count(Double(inference.rows))) rows looked at; they look like \(inference.schema.format.rawValue)"
      let rows = inference.columns.map { column in
        [
          column.name, column.role, Format.count(Double(column.distinct)),
          column.missing > 0 ? Format.fixed(100 * column.missing, 1) + " %" : "-",
          column.examples.map { $0.count > 24 ? $0.prefix(23) + "…" : $0 }.joined(separator: "  "),
        ]
      }
      return title + "\n\n" + TextTable(["column", "is", "distinct", "missing", "examples"], rows, right: [2, 3]).text
    }
  }
}
