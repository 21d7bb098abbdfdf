# For doxygen, to which the rest of a line after @par is its title.
s/^( *\*) @par (Lifetime|Threads) +/\1 @par \2\n\1 /
