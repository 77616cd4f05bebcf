import Plotting

/// The colours of charts: each stands for a variable of the page, which has a light and a dark one.
enum ChartColors {
  static let ink = Scene.Color.black
  static let text = Scene.Color.gray
  static let grid = Scene.Color.faint
  /// The lines (Okabe and Ito 2008), from the first.
  private static let series = [
    Scene.Color(0, 114, 178), Scene.Color(213, 94, 0), Scene.Color(0, 158, 115),
    Scene.Color(204, 121, 167), Scene.Color(230, 159, 0), Scene.Color(86, 180, 233),
  ]
  private static let dashes: [[Double]] = [[], [7, 3], [2, 3], [9, 3, 2, 3], [12, 4], [4, 4]]

  /// How many lines can be told apart.
  static let count = series.count

  /// The colour and the dashes of a line; each tells it from the others by itself.
  static func line(_ index: Int) -> (color: Scene.Color, dashes: [Double]) {
    (series[index % count], dashes[index % count])
  }

  /// The variables of the page.
  static let variables: [Scene.Color: String] = {
    var variables = [ink: "--ink", text: "--soft", grid: "--line"]
    for (index, color) in series.enumerated() { variables[color] = "--series-\(index + 1)" }
    return variables
  }()
}
