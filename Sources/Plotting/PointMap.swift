/// Named points in a plane, with the same unit along both axes.
package struct PointMap: Sendable {
  /// A point.
  package struct Item: Sendable {
    /// The name beside it.
    package let name: String
    package let x, y: Double
    /// Whether it is drawn as one of another kind.
    package let isSpecial: Bool

    package init(name: String, x: Double, y: Double, isSpecial: Bool = false) {
      self.name = name
      self.x = x
      self.y = y
      self.isSpecial = isSpecial
    }
  }

  /// What the picture shows.
  package let title: String
  /// What the axes are, with their unit.
  package let xTitle, yTitle: String
  /// The points.
  package let items: [Item]

  package init(title: String, xTitle: String, yTitle: String, items: [Item]) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.items = items
  }

  private static let margin = 24.0
  private static let maximumNameWidth = 220.0

  /// The picture.
  package var scene: Scene {
    let finite = items.filter { $0.x.isFinite && $0.y.isFinite }
    let (xs, ys) = (finite.map(\.x), finite.map(\.y))
    // The same unit along both axes: distances in the picture are distances between the models.
    let unit = max((xs.max() ?? 1) - (xs.min() ?? 0), ((ys.max() ?? 1) - (ys.min() ?? 0)) * 1.5)
    let horizontal = PointMap.padded(xs, unit * 0.12)
    let vertical = PointMap.padded(ys, unit * 0.12)
    let perUnit = 520 / (horizontal.high - horizontal.low)
    let height = min(520, max(120, (vertical.high - vertical.low) * perUnit))
    let tickWidth = vertical.ticks.map { Label.width(vertical.text($0), size: 12) }.max() ?? 0
    let frame = PlotFrame(
      left: PointMap.margin + 26 + tickWidth, top: PointMap.margin + 34, width: 520,
      height: height)
    let width = max(
      frame.right + PointMap.maximumNameWidth * 0.5,
      PointMap.margin * 2 + Label.width(title, size: 15))
    var scene = Scene(
      width: width, height: frame.bottom + 50 + PointMap.margin / 2, title: title)
    scene.add(.text(Scene.Text(title, at: Scene.Point(PointMap.margin, 34), size: 15)))
    frame.drawHorizontalTicks(&scene, vertical)
    frame.drawVerticalTicks(&scene, horizontal)
    frame.drawTitles(
      &scene, x: xTitle, y: yTitle, xTitleY: frame.bottom + 38, yTitleX: PointMap.margin + 8)
    let places = finite.map { item in
      Scene.Point(frame.x(horizontal.part(item.x)), frame.y(vertical.part(item.y)))
    }
    for (item, place) in zip(finite, places) {
      let color: Scene.Color = item.isSpecial ? .black : Palette.series(0).color
      scene.add(.mark(item.isSpecial ? .square : .circle, place, radius: 5, color))
    }
    drawNames(&scene, finite, places, width: width)
    return scene
  }

  private static func padded(_ values: [Double], _ margin: Double) -> Scale {
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    let room = margin > 0 ? margin : 1
    return Scale([low - room, high + room], includesZero: false)
  }

  /// Puts each name where it hides no point and no other name, when there is such a place.
  private func drawNames(
    _ scene: inout Scene, _ items: [Item], _ places: [Scene.Point], width: Double
  ) {
    var taken: [(low: Scene.Point, high: Scene.Point)] = places.map {
      (Scene.Point($0.x - 6, $0.y - 6), Scene.Point($0.x + 6, $0.y + 6))
    }
    for (item, place) in zip(items, places) {
      let name = Label.shortened(item.name, to: PointMap.maximumNameWidth, size: 12)
      let length = Label.width(name, size: 12)
      let candidates = [
        Scene.Point(place.x + 10, place.y + 4), Scene.Point(place.x - 10 - length, place.y + 4),
        Scene.Point(place.x - length / 2, place.y - 10),
        Scene.Point(place.x - length / 2, place.y + 20),
        Scene.Point(place.x + 8, place.y - 9), Scene.Point(place.x + 8, place.y + 18),
        Scene.Point(place.x - 8 - length, place.y - 9),
        Scene.Point(place.x - 8 - length, place.y + 18),
        Scene.Point(place.x - length / 2, place.y - 24),
        Scene.Point(place.x - length / 2, place.y + 34),
      ]
      let boxes = candidates.map { point in
        (low: Scene.Point(point.x, point.y - 10), high: Scene.Point(point.x + length, point.y + 3))
      }
      let free = boxes.firstIndex { box in
        box.low.x >= 4 && box.high.x <= width - 4
          && !taken.contains { other in
            box.low.x < other.high.x && other.low.x < box.high.x && box.low.y < other.high.y
              && other.low.y < box.high.y
          }
      }
      let chosen = free ?? 0
      taken.append(boxes[chosen])
      scene.add(.text(Scene.Text(name, at: candidates[chosen], size: 12)))
    }
  }
}
