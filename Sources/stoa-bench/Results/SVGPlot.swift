/// Plots as SVG, drawn here so that a report needs nothing else.
enum SVGPlot {
    /// Colours that people who see no red or green can tell apart (Okabe and Ito).
    private static let colours = [
        "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#8C564B", "#666666", "#B8A100",
        "#000000",
    ]

    /// The same store has the same colour everywhere.
    static func colour(_ store: StoreKind) -> String {
        colours[(StoreKind.allCases.firstIndex(of: store) ?? 0) % colours.count]
    }

    /// A line through points.
    struct Line {
        let store: StoreKind
        /// (x, y), both as they are to be drawn: logarithms are taken here.
        let points: [(x: Double, y: Double)]
    }

    /// Something on an axis.
    struct Tick {
        let at: Double
        let label: String
    }

    private static let width = 640.0, height = 300.0
    private static let left = 64.0, right = 16.0, top = 12.0, bottom = 40.0

    /// Lines over an axis whose places are given by `ticks`; the other axis is logarithmic.
    static func lines(_ lines: [Line], ticks: [Tick], unit: String, label: String) -> String {
        let values = lines.flatMap { $0.points.map(\.y) }.filter { $0 > 0 }
        guard let least = values.min(), let most = values.max() else { return "" }
        let low = floor10(least), high = max(ceil10(most), low * 10)
        let first = ticks.first?.at ?? 0, last = ticks.last?.at ?? 1
        func x(_ value: Double) -> Double {
            left + (last > first ? (value - first) / (last - first) : 0.5) * (width - left - right)
        }
        func y(_ value: Double) -> Double {
            let share = (log(max(value, low)) - log(low)) / (log(high) - log(low))
            return height - bottom - share * (height - top - bottom)
        }
        var body = [String]()
        for tick in ticks {
            body.append(line(x(tick.at), top, x(tick.at), height - bottom))
            body.append(text(x(tick.at), height - bottom + 16, tick.label, "middle"))
        }
        var value = low
        while value <= high * 1.01 {
            body.append(line(left, y(value), width - right, y(value)))
            body.append(text(left - 6, y(value) + 4, Figures.short(value), "end"))
            value *= 10
        }
        body.append(text(width / 2, height - 6, "\(label); upwards: \(unit)", "middle"))
        for line in lines {
            let path = line.points.filter { $0.y > 0 }.map { "\(round(x($0.x))),\(round(y($0.y)))" }
            body.append(
                "<polyline fill=\"none\" stroke=\"\(colour(line.store))\" stroke-width=\"2\" "
                    + "points=\"\(path.joined(separator: " "))\">"
                    + "<title>\(line.store.rawValue)</title></polyline>"
            )
            for point in line.points where point.y > 0 {
                body.append(
                    "<circle r=\"3\" cx=\"\(round(x(point.x)))\" cy=\"\(round(y(point.y)))\" "
                        + "fill=\"\(colour(line.store))\"><title>\(line.store.rawValue): "
                        + "\(Figures.short(point.y))</title></circle>")
            }
        }
        return frame(body, height, label)
    }

    /// One bar for each store, of pieces that add up.
    static func bars(
        _ bars: [(store: StoreKind, pieces: [(name: String, value: Double)])], unit: String
    ) -> String {
        let most = bars.map { $0.pieces.reduce(0) { $0 + $1.value } }.max() ?? 0
        guard most > 0 else { return "" }
        let step = 28.0
        let full = top + step * Double(bars.count) + 24
        let labels = 110.0, numbers = 60.0
        var body = [String]()
        for (index, bar) in bars.enumerated() {
            let y = top + step * Double(index)
            var x = labels
            body.append(text(labels - 6, y + 15, bar.store.rawValue, "end"))
            for (number, piece) in bar.pieces.enumerated() {
                let wide = piece.value / most * (width - labels - numbers)
                let shade = 1 - Double(number % 6) * 0.14
                body.append(
                    "<rect x=\"\(round(x))\" y=\"\(round(y))\" width=\"\(round(max(wide, 0.5)))\" "
                        + "height=\"20\" "
                        + "fill=\"\(colour(bar.store))\" opacity=\"\(Figures.decimals(shade, 2))\">"
                        + "<title>\(piece.name): \(Figures.decimals(piece.value, 2))</title></rect>")
                if wide > 56 {
                    body.append(
                        "<text class=\"in\" x=\"\(round(x + 4))\" y=\"\(round(y + 14))\">\(piece.name)</text>"
                    )
                }
                x += wide
            }
            let sum = bar.pieces.reduce(0) { $0 + $1.value }
            body.append(text(x + 4, y + 15, Figures.decimals(sum, 2), "start"))
        }
        body.append(text(width / 2, full - 6, unit, "middle"))
        return frame(body, full, unit)
    }

    private static func frame(_ body: [String], _ height: Double, _ title: String) -> String {
        "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\"><title>\(title)</title>"
            + body.joined() + "</svg>"
    }

    private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line x1=\"\(round(x1))\" y1=\"\(round(y1))\" x2=\"\(round(x2))\" y2=\"\(round(y2))\"/>"
    }

    private static func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String) -> String {
        "<text x=\"\(round(x))\" y=\"\(round(y))\" text-anchor=\"\(anchor)\">\(text)</text>"
    }

    private static func round(_ value: Double) -> String { Figures.decimals(value, 1) }

    /// The natural logarithm, by the series of the inverse hyperbolic tangent: the essentials of Foundation
    /// have none.
    static func log(_ value: Double) -> Double {
        guard value > 0 else { return -700 }
        let mantissa = value.significand
        let term = (mantissa - 1) / (mantissa + 1)
        var (sum, power) = (0.0, term)
        for odd in stride(from: 1.0, to: 60, by: 2) {
            sum += power / odd
            power *= term * term
        }
        return 2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3
    }

    private static func floor10(_ value: Double) -> Double {
        var power = 1.0
        while power > value { power /= 10 }
        while power * 10 <= value { power *= 10 }
        return power
    }

    private static func ceil10(_ value: Double) -> Double {
        let floor = floor10(value)
        return floor == value ? floor : floor * 10
    }
}
