package ui

import (
	"math"
	"strconv"
)

// Charts are SVG with widths in percent and heights in pixels: they fill what room there is, and their text keeps its
// size. A library would put its own fonts and inline styles into them, which the pages' policy refuses and a dark theme
// can not change.

// box is a rectangle: X and W in percent, Y and H in pixels.
type box struct {
	X, Y, W, H float64
	Class      string
	Title      string
}

// label is a text at an edge of a chart: At is percent or pixels.
type label struct {
	At     float64
	Text   string
	Anchor string // start, middle or end
}

// columns is a chart of columns over time.
type columns struct {
	Height float64 // of the area, without the labels below
	Whole  float64 // with them
	Zero   float64 // where the axis is
	Boxes  []box
	Hits   []box   // what a pointer finds: a column over the whole height, with what it says
	Ticks  []label // horizontal lines, with their values
	Labels []label // below
}

// series is one kind of columns. Negative values go down from the axis.
type series struct {
	Class  string
	Values []float64
}

const (
	chartHeight = 190
	labelRoom   = 24
	topRoom     = 8
	gap         = 0.24 // of a column's width
)

// newColumns stacks the series of each column, up and down. Names are those of the columns, titles what their columns
// say.
func newColumns(names []string, titles []string, all ...series) *columns {
	c := &columns{Height: chartHeight, Whole: chartHeight + labelRoom}
	up, down := 0., 0.
	for i := range names {
		top, bottom := 0., 0.
		for _, s := range all {
			if v := s.Values[i]; v > 0 {
				top += v
			} else {
				bottom -= v
			}
		}
		up, down = max(up, top), max(down, bottom)
	}
	step := niceStep(up+down, 4)
	up, down = math.Ceil(up/step-1e-9)*step, math.Ceil(down/step-1e-9)*step
	if up+down == 0 {
		up = step
	}
	scale := (chartHeight - 2*topRoom) / (up + down)
	c.Zero = topRoom + up*scale
	for v := -down; v <= up+step/2; v += step {
		c.Ticks = append(c.Ticks, label{At: c.Zero - v*scale, Text: compact(v)})
	}
	width := 100 / float64(max(len(names), 1))
	for i := range names {
		c.Hits = append(c.Hits, box{X: float64(i) * width, W: width, H: chartHeight, Title: titles[i]})
		top, bottom := c.Zero, c.Zero
		for _, s := range all {
			h := math.Abs(s.Values[i]) * scale
			if h == 0 {
				continue
			}
			h = max(h, 1)
			b := box{X: (float64(i) + gap/2) * width, W: width * (1 - gap), H: h, Class: s.Class}
			if s.Values[i] > 0 {
				top -= h
				b.Y = top
			} else {
				b.Y = bottom
				bottom += h
			}
			c.Boxes = append(c.Boxes, b)
		}
	}
	c.Labels = axisLabels(names, width)
	return c
}

// axisLabels names at most six columns, so that the names have room on a small screen.
func axisLabels(names []string, width float64) (labels []label) {
	const most = 6
	every := (len(names) + most - 1) / most
	for i := 0; i < len(names); i += max(every, 1) {
		l := label{At: (float64(i) + 0.5) * width, Text: names[i], Anchor: "middle"}
		const edge = 7
		switch {
		case l.At < edge:
			l.At, l.Anchor = float64(i)*width, "start"
		case l.At > 100-edge:
			l.At, l.Anchor = float64(i+1)*width, "end"
		}
		labels = append(labels, l)
	}
	return labels
}

// niceStep divides a range into about n steps of 1, 2 or 5 times a power of ten.
func niceStep(all float64, n int) float64 {
	if all <= 0 {
		return 1
	}
	rough := all / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, nice := range []float64{1, 2, 5} {
		if nice*power >= rough*0.999 {
			return nice * power
		}
	}
	return 10 * power
}

// trimmed writes a coordinate.
func trimmed(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

// sparkline is a small line: points of a viewBox of 100 by 24, as polyline wants them.
func sparkline(points []float64) string {
	low, high := 0., 0.
	for _, v := range points {
		low, high = min(low, v), max(high, v)
	}
	if high == low || len(points) < 2 {
		return ""
	}
	var out []byte
	for i, v := range points {
		out = strconv.AppendFloat(out, math.Round(float64(i)/float64(len(points)-1)*1000)/10, 'f', -1, 64)
		out = append(out, ',')
		out = strconv.AppendFloat(out, math.Round((22-(v-low)/(high-low)*20)*10)/10, 'f', -1, 64)
		out = append(out, ' ')
	}
	return string(out[:len(out)-1])
}

// heat is the class of a cell by its share of the greatest, 0 to 6.
func heat(value, most float64) string {
	const levels = 6
	value, most = math.Abs(value), math.Abs(most)
	if value == 0 || most == 0 {
		return "h0"
	}
	return "h" + strconv.Itoa(1+int(math.Min(value/most*levels, levels-1)))
}

// share is a part of a whole in percent.
func share(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return math.Min(math.Max(part/whole*100, 0), 100)
}

// labelled is a chart with what it is called by who can not see it.
type labelled struct {
	*columns
	Label string
}
