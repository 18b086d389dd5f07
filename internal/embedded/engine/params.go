package engine

import (
	"runtime"
	"unsafe"
)

// cParams are parameters laid out for C.
type cParams struct {
	names, nameLens, values, valueLens unsafe.Pointer
	n                                  uintptr
	pinner                             runtime.Pinner
}

func newCParams(params Params) *cParams {
	p := &cParams{n: uintptr(len(params))}
	if p.n == 0 {
		return p
	}
	var names, values []unsafe.Pointer
	var nameLens, valueLens []uintptr
	for name, value := range params {
		names, nameLens = append(names, p.text(name)), append(nameLens, uintptr(len(name)))
		values, valueLens = append(values, p.text(value)), append(valueLens, uintptr(len(value)))
	}
	p.names, p.values = unsafe.Pointer(&names[0]), unsafe.Pointer(&values[0])
	p.nameLens, p.valueLens = unsafe.Pointer(&nameLens[0]), unsafe.Pointer(&valueLens[0])
	for _, at := range [...]unsafe.Pointer{p.names, p.values, p.nameLens, p.valueLens} {
		p.pinner.Pin(at)
	}
	return p
}

// text copies s to where it stays until free.
func (p *cParams) text(s string) unsafe.Pointer {
	b := append([]byte(s), 0)
	p.pinner.Pin(&b[0])
	return unsafe.Pointer(&b[0])
}

func (p *cParams) free() { p.pinner.Unpin() }
