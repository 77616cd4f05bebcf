/// A picture as a list of shapes, from which SVG and PNG are made alike.
///
/// Coordinates are pixels at 96 to the inch, from the upper left corner.
package struct Scene: Sendable, Hashable {
  /// A colour in sRGB.
  package struct Color: Sendable, Hashable {
    /// The parts, from 0 to 255.
    package let red, green, blue: UInt8

    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
      self.red = red
      self.green = green
      self.blue = blue
    }

    package static let black = Color(0, 0, 0)
    package static let white = Color(255, 255, 255)
    package static let gray = Color(110, 110, 110)
    package static let faint = Color(222, 222, 222)
  }

  /// A place.
  package struct Point: Sendable, Hashable {
    package let x, y: Double

    package init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// Where a text stands from its place.
  package enum Anchor: String, Sendable, Hashable {
    case start
    case middle
    case end
  }

  /// The shape of a mark at a point of data; they differ also without colour.
  package enum Mark: Sendable, Hashable, CaseIterable {
    case circle
    case square
    case triangle
    case diamond
  }

  /// A text; `place` is at its baseline.
  package struct Text: Sendable, Hashable {
    package var text: String
    package var place: Point
    package var size = 13.0
    package var anchor = Anchor.start
    package var color = Color.black
    /// Whether it runs from bottom to top.
    package var isUpwards = false

    package init(
      _ text: String, at place: Point, size: Double = 13, anchor: Anchor = .start,
      color: Color = .black, isUpwards: Bool = false
    ) {
      self.text = text
      self.place = place
      self.size = size
      self.anchor = anchor
      self.color = color
      self.isUpwards = isUpwards
    }
  }

  /// A shape.
  package enum Shape: Sendable, Hashable {
    /// A filled rectangle from one corner to the opposite one.
    case rectangle(Point, Point, Color)
    /// A line through points, of a width, with lengths of dashes and gaps; none for a full line.
    case line([Point], Color, width: Double, dashes: [Double])
    /// The area between two lines of as many points, through which what is behind it is seen.
    case band(upper: [Point], lower: [Point], Color, opacity: Double)
    /// A mark of a radius.
    case mark(Mark, Point, radius: Double, Color)
    case text(Text)
  }

  /// The size in pixels.
  package let width, height: Double
  /// What the picture shows, for those who cannot see it.
  package let title: String
  /// The shapes, from the back to the front.
  package private(set) var shapes: [Shape] = []

  /// An empty white picture.
  package init(width: Double, height: Double, title: String) {
    self.width = width
    self.height = height
    self.title = title
  }

  /// Adds a shape in front of the others.
  package mutating func add(_ shape: Shape) { shapes.append(shape) }

  /// Adds a full line.
  package mutating func addLine(
    _ start: Point, _ end: Point, _ color: Color = .black, width: Double = 1
  ) {
    add(.line([start, end], color, width: width, dashes: []))
  }

  /// The corners of a mark around a place; nil for a circle.
  static func corners(of mark: Mark, at place: Point, radius: Double) -> [Point]? {
    let offsets: [(Double, Double)]
    switch mark {
    case .circle: return nil
    case .square: offsets = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    case .triangle: offsets = [(0, -1.2), (1.1, 0.8), (-1.1, 0.8)]
    case .diamond: offsets = [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
    }
    return offsets.map { Point(place.x + $0.0 * radius, place.y + $0.1 * radius) }
  }
}
