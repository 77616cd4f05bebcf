import Plotting

/// The axes of a chart, with room for whatever their labels are.
struct ChartFrame {
  static let (width, height) = (520.0, 300.0)
  private static let (top, bottom) = (14.0, 46.0)
  /// Texts are larger where the picture is small.
  private static let largestText = 17.0

  /// The ends of the plot.
  let left, right: Double
  /// The range of the horizontal axis.
  let first, last: Double
  private let xTitle: String
  private let yTexts: [(part: Double, text: String)]

  var top: Double { ChartFrame.top }
  var bottom: Double { ChartFrame.height - ChartFrame.bottom }

  /// Lays out axes.
  ///
  /// - Parameter yTexts: the labels of the vertical axis, and where they stand from 0 to 1.
  init(
    first: Double, last: Double, xTitle: String, yTexts: [(part: Double, text: String)]
  ) {
    self.first = first
    self.last = last
    self.xTitle = xTitle
    self.yTexts = yTexts
    let widest = yTexts.map { ChartFrame.width(of: $0.text) }.max() ?? 0
    left = widest + 12
    right = ChartFrame.width - max(12, ChartFrame.labelWidth(last) / 2)
  }

  func x(_ value: Double) -> Double {
    last > first ? left + (right - left) * (value - first) / (last - first) : (left + right) / 2
  }

  func y(_ part: Double) -> Double { bottom - (bottom - top) * part }

  /// Draws the grid and all labels.
  func draw(_ scene: inout Scene) {
    for (part, text) in yTexts {
      let y = y(part)
      scene.addLine(Scene.Point(left, y), Scene.Point(right, y), ChartColors.grid)
      scene.add(
        .text(
          Scene.Text(
            text, at: Scene.Point(left - 6, y + 4), anchor: .end, color: ChartColors.text)))
    }
    for tick in ticks {
      let place = Scene.Point(x(tick), bottom + 20)
      scene.add(
        .text(
          Scene.Text(
            ChartFrame.text(tick), at: place, anchor: .middle, color: ChartColors.text)))
    }
    scene.add(
      .text(
        Scene.Text(
          xTitle, at: Scene.Point((left + right) / 2, ChartFrame.height - 6), anchor: .middle,
          color: ChartColors.text)))
  }

  /// Round numbers along the horizontal axis, and both ends.
  var ticks: [Double] {
    guard last > first else { return [first] }
    let room = max(ChartFrame.labelWidth(first), ChartFrame.labelWidth(last)) * 1.3
    let count = max(1, min(8, Int((right - left) / room)))
    var step = 1.0
    for factor in sequence(first: 1.0, next: { $0 * 10 }) {
      guard let found = [1, 2, 5].first(where: { $0 * factor * Double(count) >= last - first })
      else { continue }
      step = found * factor
      break
    }
    let start = (first / step).rounded(.down) * step
    let between = stride(from: start, to: last, by: step).filter {
      $0 - first >= step * 0.7 && last - $0 >= step * 0.7
    }
    return [first] + between + [last]
  }

  private static func text(_ tick: Double) -> String { NumberText.text(tick, significantDigits: 7) }

  private static func labelWidth(_ tick: Double) -> Double { width(of: text(tick)) }

  /// How wide a label may be in any font that a page has: digits of wide ones take 0.64 of their size, Chinese
  /// and Japanese characters all of it.
  static func width(of label: String) -> Double {
    label.reduce(0) { $0 + ($1.isASCII ? 0.65 : 1.05) * largestText }
  }
}
