package registryserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// minJava is the oldest Java that runs the registry.
const minJava = 21

// Java returns a java that is new enough: that of JAVA_HOME, the one on the PATH, or one that is installed where
// systems keep them.
func Java() (string, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	for _, pattern := range []string{"/usr/lib/jvm/*/bin/java",
		"/Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java"} {
		found, _ := filepath.Glob(pattern) // the patterns are right
		candidates = append(candidates, found...)
	}
	for _, java := range candidates {
		if versionOf(java) >= minJava {
			return java, nil
		}
	}
	return "", fmt.Errorf("%w: Java %d or newer is missing: install one, or name it with JAVA_HOME", ErrNoToolchain,
		minJava)
}

var releaseVersion = regexp.MustCompile(`(?m)^JAVA_VERSION="(\d+)`)

// versionOf reads the major version from the file "release" that every Java has; 0 where there is none.
func versionOf(java string) int {
	real, err := filepath.EvalSymlinks(java)
	if err != nil {
		return 0
	}
	release, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(real)), "release"))
	if err != nil {
		return 0
	}
	m := releaseVersion.FindSubmatch(release)
	if m == nil {
		return 0
	}
	version, _ := strconv.Atoi(string(m[1])) // they are digits
	return version
}
