/// The rectangle that data are drawn in, with its axes.
struct PlotFrame {
  let left, top, width, height: Double

  var right: Double { left + width }
  var bottom: Double { top + height }

  /// Where a part of the range stands, from 0 at the bottom to 1 at the top.
  func y(_ part: Double) -> Double { bottom - height * part }

  /// Where a part of the range stands, from 0 at the left to 1 at the right.
  func x(_ part: Double) -> Double { left + width * part }

  /// Draws a faint line and a number for each tick, and the axes.
  func drawHorizontalTicks(_ scene: inout Scene, _ range: Scale) {
    for tick in range.ticks {
      let y = y(range.part(tick))
      scene.addLine(Scene.Point(left, y), Scene.Point(right, y), .faint)
      scene.add(
        .text(
          Scene.Text(range.text(tick), at: Scene.Point(left - 7, y + 4), size: 12, anchor: .end)))
    }
    drawAxes(&scene)
  }

  /// Draws a faint line and a number for each tick of the horizontal axis.
  func drawVerticalTicks(_ scene: inout Scene, _ range: Scale) {
    for tick in range.ticks {
      let x = x(range.part(tick))
      scene.addLine(Scene.Point(x, top), Scene.Point(x, bottom), .faint)
      scene.add(
        .text(
          Scene.Text(
            range.text(tick), at: Scene.Point(x, bottom + 17), size: 12, anchor: .middle)))
    }
    drawAxes(&scene)
  }

  func drawTitles(_ scene: inout Scene, x: String, y: String, xTitleY: Double, yTitleX: Double) {
    scene.add(
      .text(Scene.Text(x, at: Scene.Point(left + width / 2, xTitleY), size: 12, anchor: .middle)))
    scene.add(
      .text(
        Scene.Text(
          y, at: Scene.Point(yTitleX, top + height / 2), size: 12, anchor: .middle,
          isUpwards: true)))
  }

  private func drawAxes(_ scene: inout Scene) {
    scene.addLine(Scene.Point(left, top), Scene.Point(left, bottom), .gray)
    scene.addLine(Scene.Point(left, bottom), Scene.Point(right, bottom), .gray)
  }
}
